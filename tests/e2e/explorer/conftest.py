"""A headless Chromium, and something for it to look at: the stub mesh, or the mesh that `CINE_E2E_URL` names."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.e2e.explorer.accounts import sign_in, signed_in
from tests.e2e.explorer.stub_mesh import StubMesh
from tests.e2e.explorer.stub_people import Account

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
# runs before the page's own scripts: what goes wrong without reaching the console's log
WITNESS = """
window.witnessed = [];
addEventListener("securitypolicyviolation", (e) => witnessed.push(`policy: ${e.violatedDirective} ${e.blockedURI}`));
addEventListener("error", (e) => witnessed.push(`error: ${e.message ?? e.target}`));
addEventListener("unhandledrejection", (e) => witnessed.push(`rejection: ${e.reason}`));
"""


class Explorer:
    """The explorer in a browser, as a person meets it."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, address: str = "") -> None:
        """Opens an address such as "#/match" anew, without what an earlier page has kept."""
        self.driver.get("about:blank")
        self._log()
        self.driver.get(self.url + address)

    def size(self, width: int, height: int) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def media(self, **features: str) -> None:
        """Sets media features; underscores stand for hyphens."""
        listed = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": listed})

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 15) -> Any:
        """Waits until the condition holds and returns what it gave; an element that goes while it is looked at is none yet."""
        waiting = WebDriverWait(self.driver, seconds, 0.03, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: condition(), f"waited for {what}")

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        found: WebElement = self.wait(lambda: next(iter(self.all(selector)), None), selector)
        return found

    def texts(self, selector: str) -> list[str]:
        """Texts of elements, read at once: none of them goes stale half-way."""
        return list(self.js("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)", selector))

    def wait_text(self, selector: str, part: str, seconds: float = 15) -> str:
        """Waits for an element with some text."""

        def found() -> str | None:
            return next((text for text in self.texts(selector) if part in text), None)

        return str(self.wait(found, f"{part!r} in {selector}", seconds))

    def settle(self) -> None:
        """Waits until nothing is a placeholder any more."""
        self.wait(
            lambda: self.js("return !document.querySelector('.waiting') && main.childElementCount > 0"), "content"
        )

    def js(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def press(self, *keys: str) -> None:
        """Presses keys wherever the focus is."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def type_query(self, text: str) -> None:
        field = self.one("#find-input")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    @property
    def hash(self) -> str:
        return str(self.js("return location.hash"))

    def _log(self) -> list[dict[str, Any]]:
        return list(self.driver.get_log("browser"))  # type: ignore[no-untyped-call]

    def complaints(self, refusals: bool = False) -> list[str]:
        """What the console and the page's policy complain about; `refusals`: answers of 4xx and 5xx are expected."""
        logged = [entry["message"] for entry in self._log() if entry["level"] == "SEVERE"]
        if refusals:
            logged = [message for message in logged if "the server responded with a status of" not in message]
        return logged + list(self.js("return window.witnessed ?? []"))


def _found(*names: str) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    binary, driver_path = _found("chromium", "chromium-browser", "google-chrome"), _found("chromedriver")
    if not binary or not driver_path:
        message = "no chromium or chromedriver found: the explorer is not tested in a browser (Debian: chromium, chromium-driver)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(driver_path))
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WITNESS})
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def _stub() -> Iterator[StubMesh | None]:
    if os.environ.get("CINE_E2E_URL"):
        yield None
    else:
        with StubMesh() as mesh:
            yield mesh


@pytest.fixture
def explorer_url(_stub: StubMesh | None) -> str:
    """Address of the explorer under test."""
    if _stub is None:
        return os.environ["CINE_E2E_URL"].rstrip("/") + "/"
    _stub.reset()
    return _stub.url


@pytest.fixture
def stub(_stub: StubMesh | None, explorer_url: str) -> StubMesh:
    """The stub mesh, for tests that break something; they are skipped on a real mesh."""
    if _stub is None:
        pytest.skip("this test breaks things on purpose, which it does to the stub only (CINE_E2E_URL is set)")
    return _stub


@pytest.fixture
def explorer(chromium: webdriver.Chrome, explorer_url: str) -> Explorer:
    found = Explorer(chromium, explorer_url)
    found.size(1280, 900)
    found.media()
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": explorer_url.rstrip("/"), "storageTypes": "all"})
    return found


@pytest.fixture
def ada(explorer: Explorer, stub: StubMesh) -> Account:
    """Somebody who is signed in."""
    account = stub.identity.add("ada")
    sign_in(explorer, "ada")
    signed_in(explorer, "Ada")
    return account


@pytest.fixture
def reader(ada: Account, stub: StubMesh) -> Account:
    """Somebody who has rated two films."""
    for film, stars in zip(stub.films[:2], (5.0, 3.5), strict=True):
        stub.ratings.give(ada, film["movie_id"], overall=stars)
    return ada


@pytest.fixture
def film(explorer_url: str) -> dict[str, Any]:
    """A film that the mesh has, in full."""
    with urlopen(f"{explorer_url}api/v1/movies/popular?page_size=20") as answer:
        cards = json.load(answer)["movies"]
    card = next(one for one in cards if len(one["title"]) > 5 and one["directors"])
    with urlopen(f"{explorer_url}api/v1/movies/{card['movie_id']}") as answer:
        return dict(json.load(answer))
