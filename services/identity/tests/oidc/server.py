"""A real OpenID provider (npm `oidc-provider`) for tests, and a browser that signs in at it."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[4]
PUBLIC_URL = "http://127.0.0.1:8000"
_START_SECONDS = 30
_FORM = re.compile(r'<form[^>]* action="([^"]+)"')
_PROMPT = re.compile(r'name="prompt" value="([^"]+)"')


class OpenIdServer:
    """The provider as a process.

    Args:
        in_id_token: whether ID tokens hold the address; otherwise only userinfo does.
        public_url: address of the pages it sends browsers back to.
    """

    def __init__(self, *, in_id_token: bool, public_url: str = PUBLIC_URL) -> None:
        node = shutil.which("node")
        if node is None or not (ROOT / "node_modules/oidc-provider").is_dir():
            _missing("oidc-provider is not installed here; run: npm ci")
        wanted = {
            "redirects": [f"{public_url}/oauth/callback/{name}" for name in ("acme", "talk")],
            "inIdToken": in_id_token,
        }
        script = Path(__file__).with_name("provider.mjs")
        self._process = subprocess.Popen(
            [node, str(script), json.dumps(wanted)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.issuer = self._first_line()
        self.stopped = False

    def _first_line(self) -> str:
        lines: queue.Queue[str] = queue.Queue()
        stdout = self._process.stdout
        if stdout is None:
            raise AssertionError("its output is a pipe")
        threading.Thread(target=lambda: lines.put(stdout.readline().strip()), daemon=True).start()
        try:
            line = lines.get(timeout=_START_SECONDS)
        except queue.Empty:
            line = ""
        if not line.startswith("http://"):
            self.stop()
            pytest.fail("the OpenID provider did not start")
        return line

    def stop(self) -> None:
        """Ends the process."""
        self.stopped = True
        self._process.terminate()
        self._process.wait(timeout=10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    async def know(self, sub: str, **claims: Any) -> None:
        """Makes the provider say this of a person, and nothing else."""
        async with httpx.AsyncClient() as http:
            (await http.post(f"{self.issuer}/people/{sub}", json=claims)).raise_for_status()

    async def sign_in(self, page: str, sub: str) -> dict[str, str]:
        """Does what a person does who follows `page` and signs in as `sub`. Returns what the browser is sent back with."""
        async with httpx.AsyncClient(base_url=self.issuer, follow_redirects=False) as browser:
            answer = await browser.get(page)
            for _ in range(12):
                if answer.is_redirect:
                    target = answer.headers["location"]
                    if target.startswith(PUBLIC_URL):
                        return dict(parse_qsl(urlsplit(target).query))
                    answer = await browser.get(target)
                    continue
                answer.raise_for_status()
                (action,), (prompt,) = _FORM.findall(answer.text), _PROMPT.findall(answer.text)
                answer = await browser.post(action, data={"prompt": prompt, "login": sub, "password": "any"})
        raise AssertionError("the provider leads nowhere")


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}; this run requires it", pytrace=False)
    pytest.skip(reason)
