"""Steps that tests of picks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer
    from tests.e2e.explorer.stub_mesh import StubMesh
    from tests.e2e.explorer.stub_people import Account


def titles(explorer: Explorer, within: str = ".picks") -> list[str]:
    return explorer.texts(f"{within} .line-title")


def opened(explorer: Explorer, address: str = "#/for-you") -> list[str]:
    """Opens a page of picks and returns their titles."""
    explorer.open(address)
    explorer.settle()
    explorer.wait(lambda: titles(explorer), "picks")
    return titles(explorer)


def asked(stub: StubMesh) -> str:
    """Returns the last question for picks."""
    return next(path for path in reversed(stub.seen) if path.split("?")[0] == "/api/v1/recommendations")


def said(stub: StubMesh, who: Account) -> list[tuple[int, str]]:
    return [(one["movie_id"], one["kind"]) for one in stub.recommender.said.get(who.user_id, [])]
