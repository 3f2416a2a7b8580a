"""People of a mesh of tests: registered, verified, signed in."""

from __future__ import annotations

import re
import time
from pathlib import Path

import httpx

from tests.integration.mesh import Mesh

PASSWORD = "nine quiet rivers at dusk"
"""Everybody's."""


def sign_up(mesh: Mesh, name: str) -> str:
    """Registers somebody, verifies the address by the letter in `var/outbox/`, signs in and returns the access token."""
    with httpx.Client(base_url=mesh.address, timeout=20, trust_env=False) as client:
        form = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        client.post("/api/v1/auth/register", json=form).raise_for_status()
        client.post("/api/v1/auth/verify-email", json={"token": _letter(mesh, name)}).raise_for_status()
        answer = client.post("/api/v1/auth/login", json={"username": name, "password": PASSWORD}).raise_for_status()
    token: str = answer.json()["access_token"]
    return token


def _letter(mesh: Mesh, name: str) -> str:
    folder = Path(mesh.environment["CINE_VAR_DIR"]) / "outbox"
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for letter in folder.glob("[!.]*"):  # those with a dot are half-written
            text = letter.read_text(errors="replace").replace("=\n", "").replace("=3D", "=")
            if f"{name}@example.org" in text and (found := re.search(r"token=([A-Za-z0-9_.-]+)", text)):
                return found[1]
        time.sleep(0.1)
    raise RuntimeError(f"no letter for {name} in var/outbox")


def client_of(mesh: Mesh, name: str) -> httpx.Client:
    """Opens an account and returns a client that calls as its owner."""
    headers = {"authorization": f"Bearer {sign_up(mesh, name)}"}
    return httpx.Client(base_url=mesh.address, headers=headers, timeout=20, trust_env=False)
