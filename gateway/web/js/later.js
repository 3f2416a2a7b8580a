// Views whose code comes with the first visit, and views that somebody must have signed in for.

import { ApiError } from "./api.js";
import { failureNotice, notice } from "./components/notice.js";
import { h, refill } from "./dom.js";
import { link } from "./router.js";
import { known } from "./session.js";

/**
 * A view whose code comes with the first visit. `taken`: what the address carries (a token, a code) is taken out of it at once, so
 * that neither the history nor a copied address holds it.
 */
export const later = (title, load, { taken = false } = {}) => (place) => {
  if (taken && place.query.size) history.replaceState(history.state, "", link(place.parts.join("/")));
  const node = h("div", h("div.page.waiting", h("h1", title)));
  async function fill() {
    const view = await load().catch(() => { throw new ApiError("offline", "A part of the explorer did not come.", ""); });
    const shown = view(place);
    node.replaceChildren(shown.node);
    return (await shown.ready) || shown.title;
  }
  const ready = fill().catch((error) => node.replaceChildren(h("div.page", h("h1", title), failureNotice(error))));
  return { title, node, ready };
};

/**
 * A page for whoever is signed in: `fill(person)` gives its content, and how it went stays with the page. Others are asked to sign
 * in and come back, or to set up the second factor that they must have; `settingUp`: this is where they do that. `strangers()`: what is
 * shown to whoever is not signed in, instead.
 */
export function personal({ parts, query, signal }, title, fill, { settingUp = false, strangers } = {}) {
  const box = h("div.personal.waiting");
  const node = h("div.page", { "data-personal": true }, h("h1", title), box);
  async function ready() {
    try {
      const person = await known();
      const back = parts.join("/") + (query.size ? `?${query}` : "");
      let content;
      if (!person && strangers) content = await strangers();
      else if (!person) content = notice("Sign in first", "This page is about you, and nobody is signed in.", [[link("signin", { next: back }), "Sign in"], [link("register"), "Open an account"]]);
      else if (person.second_factor_missing && !person.roles.length && !settingUp) content = (await import("./components/lacking.js")).lacking(person, back);
      else content = await fill(person);
      if (!signal.aborted) refill(box, content);
    } catch (error) {
      if (!signal.aborted) box.replaceChildren(failureNotice(error));
    }
    box.classList.remove("waiting");
  }
  return { title, node, ready: ready() };
}
