"""What people keep, in a browser on a real mesh: a watchlist, a list that is shared, a film night of two, an import and its undoing."""

from __future__ import annotations

import re
import secrets
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.e2e.explorer.accounts import answer_to, click, enter, fill, labelled, press, sign_in, sign_out
from tests.integration.mesh import Mesh, started
from tests.integration.people import PASSWORD, sign_up
from tests.integration.test_imports_through_the_edge import export_of

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with started(tmp_path_factory.mktemp("keeping")) as made:
        yield made


@pytest.fixture
def explorer_url(mesh: Mesh) -> str:
    return f"{mesh.address}/"


@pytest.fixture
def films(mesh: Mesh) -> list[dict[str, Any]]:
    return list(mesh.get("/api/v1/movies/popular?page_size=6").json()["movies"])


@pytest.fixture
def ada(explorer: Explorer, mesh: Mesh) -> str:
    name = _person(mesh, "ada")
    enter(explorer, name)
    return name


def _person(mesh: Mesh, name: str) -> str:
    """Opens an account and returns its user name."""
    whole = f"{name}-{secrets.token_hex(4)}"
    sign_up(mesh, whole)
    return whole


def _titles(explorer: Explorer, list_: str = ".lines") -> list[str]:
    return explorer.texts(f"{list_} .line-title")


def test_a_film_is_kept_watched_and_rated(explorer: Explorer, ada: str, films: list[dict[str, Any]]) -> None:
    for film in films[:3]:
        explorer.open(f"#/film/{film['movie_id']}")
        press(explorer, "Add to watchlist")
        explorer.wait_text(".keep summary", "On your watchlist, priority 5")
    first, second, third = (film["title"] for film in films[:3])
    explorer.open("#/watchlist")
    explorer.wait(lambda: _titles(explorer) == [third, second, first], "the latest first")
    labelled(explorer, f"Move {third} down").send_keys(Keys.END)
    explorer.wait(lambda: _titles(explorer) == [second, first, third], "the order")
    explorer.wait(
        lambda: (
            [one["movie"]["title"] for one in answer_to(explorer, "api/v1/watchlist")["items"]] == _titles(explorer)
        ),
        "the order on the server",
    )
    press(explorer, f"I have watched {second}")
    explorer.wait_text(".line-fact", "Watched")
    explorer.wait(lambda: explorer.all(".line-rate input"), "stars")
    explorer.one(".line-rate input").send_keys("4")
    explorer.wait_text(".line-rate", "Kept.")
    rated = answer_to(explorer, f"api/v1/ratings/movie/{films[1]['movie_id']}/my-rating")
    assert rated["overall"] == 4
    explorer.driver.refresh()
    explorer.wait(lambda: _titles(explorer) == [second, first, third], "the order after loading again")
    press(explorer, f"Remove {first}")
    press(explorer, "Undo")
    explorer.wait(lambda: _titles(explorer) == [second, first, third], "the film at its place")
    explorer.open("#/watchlist?watched=true")
    explorer.wait(lambda: _titles(explorer) == [second], "what was watched")
    assert explorer.complaints() == []


def test_a_list_is_made_worked_on_by_two_and_shared(
    explorer: Explorer, mesh: Mesh, ada: str, films: list[dict[str, Any]]
) -> None:
    grace = _person(mesh, "grace")
    explorer.open("#/lists?new=1")
    explorer.settle()
    fill(explorer, name="Rain")
    explorer.js("document.querySelector('main [name=visibility]').value = 'UNLISTED'")
    click(explorer, explorer.one("main [name=ranked]"))
    press(explorer, "Make the list")
    explorer.wait_text("h1", "Rain")
    address = explorer.hash
    film = films[0]
    explorer.one(".finder input").send_keys(film["title"], Keys.ENTER)
    press(explorer, f"Add {film['title']} ({film['year']})")
    explorer.wait(lambda: _titles(explorer) == [film["title"]], "the film")
    explorer.open(f"{address}/people")
    explorer.settle()
    fill(explorer, username=grace)
    explorer.js("document.querySelector('main [name=role]').value = 'editor'")
    press(explorer, "Invite")
    explorer.wait_text(".form-done", "Asked")
    press(explorer, "Make a link")
    link = str(explorer.wait(lambda: explorer.one(".address input").get_attribute("value"), "the link"))
    shared = link[link.index("#") :]

    enter(explorer, grace)
    explorer.open("#/lists")
    press(explorer, "Accept Rain")
    explorer.wait(lambda: explorer.texts(".items a.line-title") == ["Rain"], "the list among hers")
    explorer.open(address)
    explorer.wait(lambda: explorer.all(".finder input"), "a way to add films")
    other = films[1]
    explorer.one(".finder input").send_keys(other["title"], Keys.ENTER)
    press(explorer, f"Add {other['title']} ({other['year']})")
    explorer.wait(lambda: _titles(explorer) == [film["title"], other["title"]], "both films")
    press(explorer, f"Move {other['title']} up")
    explorer.wait(
        lambda: (
            [one["movie_id"] for one in answer_to(explorer, f"api/v1/watchlist/{address[2:]}/items")["items"]]
            == [other["movie_id"], film["movie_id"]]
        ),
        "the order on the server",
    )
    assert explorer.texts(".tabs a") == ["Films", "Comments", "People"], "settings are the owner's"

    sign_out(explorer)
    explorer.open(shared)
    explorer.wait_text("h1", "Rain")
    explorer.wait(lambda: _titles(explorer) == [other["title"], film["title"]], "the films behind the link")
    explorer.open(address)
    explorer.wait_text("h1", "No such list")
    enter(explorer, ada)
    explorer.open(f"{address}/people")
    press(explorer, "Take the link back")
    press(explorer, "Take it back")
    labelled(explorer, "Make a link")
    explorer.open(shared)
    explorer.wait_text("h1", "This link opens nothing")


def test_a_film_night_of_two_people(explorer: Explorer, mesh: Mesh, ada: str, films: list[dict[str, Any]]) -> None:
    grace = _person(mesh, "grace")
    first, second, third = films[:3]
    explorer.open("#/film-night")
    explorer.settle()
    explorer.one("main summary").click()
    for film in (first, second, third):
        field = explorer.one("main .finder input")
        field.send_keys(film["title"], Keys.ENTER)
        press(explorer, f"Propose {film['title']} ({film['year']})")
        explorer.wait_text(".favourites", film["title"])
    fill(explorer, name="Friday")
    press(explorer, "Plan it")
    explorer.wait_text("h1", "Friday")
    address = explorer.hash
    link = str(explorer.one(".address input").get_attribute("value"))
    press(explorer, f"Rank {first['title']}")
    press(explorer, f"Rank {second['title']}")
    press(explorer, "Cast my vote")
    explorer.wait_text(".vote [role=status]", "Your vote counts, one of 1")

    sign_out(explorer)
    explorer.open(link[link.index("#") :])
    explorer.wait_text(".notice h2", "Sign in first")
    explorer.one(".notice a").click()
    sign_in(explorer, grace, PASSWORD, opened=True)
    press(explorer, "Take part")
    explorer.wait_text("h1", "Friday")
    explorer.wait(lambda: sorted(explorer.texts(".guests a")) == sorted([f"@{ada}", f"@{grace}"]), "both people")
    press(explorer, f"Rank {second['title']}")
    press(explorer, f"Strike {first['title']} out")
    press(explorer, "Cast my vote")
    explorer.wait_text(".vote [role=status]", "Your vote counts, one of 2")
    assert not [text for text in explorer.texts("main button") if text == "End the vote"], "the host's"

    enter(explorer, ada)
    explorer.open(address)
    explorer.wait_text(".vote .line-fact", "Somebody cannot bear it")
    assert _titles(explorer, "ol.lines") == [first["title"], second["title"]], "one's own vote, seen again"
    press(explorer, "End the vote")
    press(explorer, "End it now")
    explorer.wait_text(".decided .tile-title", second["title"])
    rows = explorer.js(
        "return [...document.querySelectorAll('table.count tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    assert rows[0] == [second["title"], "2"]
    explorer.wait_text(".night", f"Struck out: {first['title']}")
    assert explorer.complaints() == []


def _whole_export(mesh: Mesh, films: list[dict[str, Any]], folder: Path) -> tuple[Path, int]:
    """Writes a Letterboxd export of a few thousand rows and returns its path and their number."""
    path = folder / "letterboxd-me.zip"
    path.write_bytes(export_of(films, padding=3_000_000))
    token, lines = "", ["Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date"]
    while True:
        page = mesh.get(f"/api/v1/movies/popular?page_size=100&page_token={token}").json()
        for film in page["movies"]:
            title = film["title"].replace('"', '""')
            lines += [f'2023-05-{day:02},"{title}",{film["year"]},x,3.5,,,2023-05-{day:02}' for day in range(1, 9)]
        if not (token := page["next_page_token"]):
            break
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("diary.csv", "\n".join(lines) + "\n")
    return path, 4 + len(lines) - 1


def test_a_letterboxd_export_is_imported_with_progress_and_undone(
    explorer: Explorer, mesh: Mesh, ada: str, films: list[dict[str, Any]], tmp_path: Path
) -> None:
    file, rows = _whole_export(mesh, films, tmp_path)
    explorer.open("#/import")
    # what the bar says, as it changes
    explorer.js(
        """window.told = []; new MutationObserver(() => { const text = document.querySelector(".progress .quiet")?.textContent;
        if (text) told.push(text); }).observe(document.querySelector("main"), { childList: true, subtree: true, characterData: true })"""
    )
    explorer.one("main [name=file]").send_keys(str(file))
    press(explorer, "Send it")
    explorer.wait_text("h1", "letterboxd-me.zip")
    explorer.wait_text("h2", "Nothing is changed yet")
    assert answer_to(explorer, "api/v1/watchlist")["items"] == []
    explorer.js("told.length = 0")
    explorer.one(".import-state .primary").click()
    explorer.wait_text("h2", "It is here", seconds=90)  # thousands of rows
    told = explorer.js("return told")
    steps = {int(found[1].replace(",", "")) for text in told if (found := re.match(r"([\d,]+) of [\d,]+ rows$", text))}
    assert len(steps) >= 3 and max(steps) > rows / 2, told
    assert sorted(steps) == [int(t) for t in dict.fromkeys(int(s.split(" ")[0].replace(",", "")) for s in told)]
    explorer.open("#/watchlist")
    explorer.wait(lambda: _titles(explorer) == [films[2]["title"]], "the film of the watchlist")
    explorer.open("#/lists")
    explorer.wait(lambda: explorer.texts(".items a.line-title") == ["Rain"], "the list")
    explorer.open("#/import")
    press(explorer, "letterboxd-me.zip")
    press(explorer, "Undo the import")
    press(explorer, "Undo it")
    explorer.wait_text(".notice h2", "It is undone", seconds=90)
    assert answer_to(explorer, "api/v1/watchlist")["items"] == []
    assert answer_to(explorer, "api/v1/ratings/my-ratings")["ratings"] == []
    explorer.open("#/lists")
    explorer.wait_text(".notice h2", "No list here yet")
    assert explorer.complaints() == []


def test_an_ambiguous_row_is_chosen_and_canon_counts_it(
    explorer: Explorer, mesh: Mesh, ada: str, tmp_path: Path
) -> None:
    lists = mesh.get("/api/v1/watchlist/canon").json()["lists"]
    canon = max(lists, key=lambda one: one["item_count"])
    items = mesh.get(f"/api/v1/watchlist/canon/{canon['canon_id']}?page_size=100").json()["items"]
    film = next(one for one in items if one["movie_id"])
    file = tmp_path / "ratings.csv"
    file.write_text(
        f'Date,Name,Year,Letterboxd URI,Rating\n2023-05-01,"{film["title"]}",{film["year"]},x,4\n'
        "2023-05-01,A Film That Nobody Ever Made,1931,x,3\n"
    )
    explorer.open("#/import")
    explorer.one("main [name=file]").send_keys(str(file))
    press(explorer, "Send it")
    explorer.wait_text(".import-state", "1 not found")
    press(explorer, "Leave A Film That Nobody Ever Made (1931) out")
    press(explorer, "Import 1 row")
    explorer.wait_text("h2", "It is here")
    # what was rated is seen, as soon as Watchlist has heard of it
    seen = re.compile(rf"^1 of {canon['item_count']} seen")
    path = f"api/v1/watchlist/canon/{canon['canon_id']}"
    explorer.wait(lambda: answer_to(explorer, path)["seen_count"] == 1, "what Watchlist has heard")
    explorer.open(f"#/canon/{canon['canon_id']}")
    assert seen.match(explorer.wait_text(".seen-of", "seen"))
    explorer.wait(lambda: film["title"] in explorer.texts(".tile.seen .tile-title"), "the film that was seen")
