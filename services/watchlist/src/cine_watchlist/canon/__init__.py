"""Lists that everyone knows, one YAML file each: facts gathered for this project, in its own words.

A list holds what a jury or an archive decided, never somebody's ranking. A file has `id`, `order` (place among the lists), `name`,
`description` and `films`, each with `title`, `year`, `note` and where needed `also` and `movie_id`; see `domain.canon`.
"""

from __future__ import annotations

import functools
import importlib.resources

import yaml

from cine_watchlist.domain.canon import CanonList, canon_list


@functools.cache
def canon_lists() -> tuple[CanonList, ...]:
    """Returns all lists, in the order to show them.

    Raises:
        ValueError: a file does not hold a list, or two hold the same; names it.
    """
    found: list[CanonList] = []
    for file in sorted(importlib.resources.files(__name__).iterdir(), key=lambda one: one.name):
        if not file.name.endswith(".yaml"):
            continue
        try:
            found.append(canon_list(yaml.safe_load(file.read_text(encoding="utf-8"))))
        except (ValueError, yaml.YAMLError) as problem:
            raise ValueError(f"{file.name}: {problem}") from None
        if f"{found[-1].canon_id}.yaml" != file.name:
            raise ValueError(f"{file.name}: is named otherwise than its list")
    if len({one.order for one in found}) < len(found):
        raise ValueError("two canon lists have the same place")
    return tuple(sorted(found, key=lambda one: one.order))
