"""Words of strangers in a browser: what tells that something of them ran, loaded or stayed on the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.explorer.conftest import Explorer

# runs before the page's own scripts: whatever an attack does when it runs is noted
TRAP = """
    window.ran = [];
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...given) => { window.ran.push(name); };
    window.msgbox = window.alert;
    addEventListener("beforeunload", () => { window.ran.push("left"); });
"""
# what must not be in the page, whoever wrote it
LEFTOVERS = """
    const found = [];
    const own = (address) => new URL(address, document.baseURI).origin === location.origin;
    const NEVER = `style, base, iframe, frame, frameset, object, embed, applet, portal, template, math, marquee, audio, video, source,
        track, animate, set, foreignObject, .prose :is(script, link, meta, noscript, form, input, img, svg, button)`;
    const ADDRESSES = ["href", "src", "action", "formaction", "xlink:href", "data", "srcset", "poster", "background", "ping", "srcdoc"];
    const OF_PROSE = ["href", "rel", "start", "class", "role", "tabindex", "aria-label"];
    const say = (what, e) => found.push(`${what} ${e.outerHTML.slice(0, 120)}`);
    for (const e of document.querySelectorAll(NEVER)) say("element", e);
    for (const e of document.querySelectorAll("script, link")) if (!own(e.src || e.href)) say("element", e);
    for (const e of document.querySelectorAll("*")) {
        for (const { name, value } of e.attributes) {
            if (/^on/i.test(name)) say("handler", e);
            if (e.matches(".prose *") && !OF_PROSE.includes(name)) say("attribute", e);
            if (!ADDRESSES.includes(name)) continue;
            const parsed = URL.canParse(value, document.baseURI) ? new URL(value, document.baseURI) : null;
            if (!parsed || !["http:", "https:", "mailto:"].includes(parsed.protocol)) say("address", e);
            else if (parsed.origin !== location.origin && e.localName !== "a") say("loads", e);
            else if (parsed.origin !== location.origin && !/noopener/.test(e.rel)) say("opener", e);
        }
    }
    for (const { name } of performance.getEntriesByType("resource")) if (!own(name)) found.push(`loaded ${name}`);
    return found;
"""
# whatever waits for somebody to come near it
TOUCH = """
    for (const e of document.querySelectorAll(".prose, .prose *, .review-title, .line-title, .who-name, h1, h2, strong, .bio")) {
        for (const kind of ["mouseover", "mouseenter", "mousemove", "focus", "error", "load", "toggle", "animationstart", "begin"]) {
            // an error that bubbles would be taken for one of the page
            e.dispatchEvent(new Event(kind, { bubbles: !["error", "load"].includes(kind) }));
        }
    }
"""


@contextmanager
def trapped(explorer: Explorer, *, policy: bool = True) -> Iterator[None]:
    """Sets the trap for the block; without the page's policy, where only the walls of code are left."""
    driver = explorer.driver
    added = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": TRAP})
    driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": not policy})
    try:
        yield
    finally:
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def harm(explorer: Explorer) -> list[Any]:
    """Returns what ran, was loaded from elsewhere, or is on the page that must not be there; nothing for a page that is safe."""
    explorer.js(TOUCH)
    ran = list(explorer.js("return window.ran ?? ['the trap is gone']"))
    here = [] if explorer.js("return location.href").startswith(explorer.url) else ["led away"]
    return ran + here + list(explorer.js(LEFTOVERS)) + explorer.complaints(refusals=True)


def words(html_text: str) -> str:
    """Returns text with single spaces, as two readers of the same markup agree on it."""
    return " ".join(html_text.split())
