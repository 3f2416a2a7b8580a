// Where one is, in the address: #/path?parameters. Going back restores what was loaded and where one had scrolled to.

import { queryString } from "./api.js";
import { tint } from "./components/scheme.js";
import { debounce } from "./dom.js";

const NAME = "CineAesthete";

/** An address inside the explorer. */
export const link = (path, params = {}) => `#/${path}${queryString(params)}`;

/** The address one is at: `parts` of the path, `query` as URLSearchParams. */
export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { parts: path.split("/").filter(Boolean), query: new URLSearchParams(query) };
}

/** Goes to an address; to the one that one is at, it loads again. */
export function go(address) {
  if (location.hash === address || (!location.hash && address === "#/")) dispatchEvent(new Event("hashchange"));
  else location.hash = address;
}

/** Loads this address again. */
export const again = () => go(location.hash || "#/");

/** Keeps something with this entry of the history; `recall` finds it after going back or reloading. */
export const remember = (values) => history.replaceState({ ...history.state, ...values }, "");
export const recall = (name) => history.state?.[name];

/**
 * Shows views: `({parts, query, signal}) => {title, node, ready, update}`. `ready` settles when the content is there, with a
 * better title if there is one; `update(place)` takes over another address of the same view without drawing anew.
 */
export function start(main, views) {
  let current = {};
  let leaving = new AbortController();
  const entitle = (title) => { document.title = title ? `${title} · ${NAME}` : NAME; };

  const placeNow = () => remember({ y: Math.round(scrollY) });
  const keepPlace = debounce(120, placeNow);

  async function show(first) {
    if (location.hash && !location.hash.startsWith("#/")) return;
    const place = here();
    const name = place.parts[0] ?? "";
    const view = Object.hasOwn(views, name) ? views[name] : views["?"];
    keepPlace.cancel();
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const y = recall("y");
    tint();
    const fresh = current.view !== view || !current.update;
    if (!fresh) current = { ...current, ...current.update({ ...place, signal }) };
    else {
      current = { view, ...view({ ...place, signal }) };
      main.replaceChildren(current.node);
      for (const anchor of document.querySelectorAll(".nav a")) anchor.ariaCurrent = anchor.hash === `#/${name}` ? "page" : null;
      if (first !== true) scrollTo(0, 0);
    }
    entitle(current.title);
    const focused = document.activeElement;
    const title = await current.ready;
    if (signal.aborted) return;
    if (title) entitle(title);
    if (fresh && first !== true && document.activeElement === focused) {
      // the next Tab goes on from the heading, and the heading is read
      const heading = main.querySelector("h1");
      heading?.setAttribute("tabindex", "-1");
      heading?.focus({ preventScroll: true });
    }
    if (y) scrollTo(0, y);
  }

  history.scrollRestoration = "manual";
  addEventListener("scroll", keepPlace, { passive: true });
  addEventListener("click", placeNow, true); // before a link leads away
  addEventListener("hashchange", show);
  show(true);
}
