"""What the command prints: plain words and progress bars for people, one JSON object for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

#: step name, items done, items in all (0 when unknown)
ProgressCallback = Callable[[str, int, int], None]


class Output:
    """Where a command says things; `as_json` keeps stdout for the one result object."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = Console(stderr=as_json, highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Prints a line for people; nothing in JSON mode."""
        if not self.as_json:
            self._console.print(text, markup=False)

    def result(self, value: dict[str, Any], text: str) -> None:
        """Prints the outcome: `text` for people, `value` as one JSON object for machines."""
        if self.as_json:
            json.dump(value, sys.stdout, ensure_ascii=False, default=str)
            sys.stdout.write("\n")
        else:
            self._console.print(text, markup=False)

    def fail(self, message: str, *, code: int = 1, **details: Any) -> NoReturn:
        """Says what went wrong and ends with `code`."""
        if self.as_json:
            json.dump({"error": message, **details}, sys.stdout, ensure_ascii=False, default=str)
            sys.stdout.write("\n")
        else:
            print(f"error: {message}", file=sys.stderr)
        sys.exit(code)

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback]:
        """Yields a callback that draws one bar a step; silent in JSON mode, one line a step where there is no terminal."""
        if self.as_json:
            yield lambda _step, _done, _total: None
            return
        if not self._console.is_terminal:
            yield self._plain_steps()
            return
        columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as bars:
            tasks: dict[str, TaskID] = {}

            def update(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=total or None)
                bars.update(tasks[step], completed=done, total=total or None)

            yield update

    def _plain_steps(self) -> ProgressCallback:
        seen: set[str] = set()

        def update(step: str, _done: int, _total: int) -> None:
            if step not in seen:
                seen.add(step)
                self.say(f"  {step} …")

        return update
