// The search field at the top: suggestions while one types, arrows and Enter to choose, "/" to get there.

import { searchMovies } from "../api.js";
import { announce, debounce, h } from "../dom.js";
import { plural, yearAndDirector } from "../format.js";
import { go, here, link } from "../router.js";
import { filmLink } from "./films.js";
import { explain } from "./notice.js";
import { palette } from "./scheme.js";

const PAUSE_MS = 130;
const SUGGESTED = 7;

/** A film's colours as a small strip. */
export const strip = (film, name) => h(name, { "aria-hidden": "true" }, palette(film).map((colour) => h("i", { style: { background: colour.css, "flex-grow": colour.weight } })));

/** Brings the search form to life. */
export function searchBox(form) {
  const input = form.querySelector("input");
  const panel = form.querySelector("#find-panel");
  const listbox = form.querySelector("#find-list");
  const said = form.querySelector("#find-said");
  let asked = new AbortController();
  let options = [];
  let at = -1;

  function open(yes) {
    panel.hidden = !yes;
    input.ariaExpanded = String(yes);
    point(-1);
  }

  // Marks the option at `to`; one step past either end is the field itself.
  function point(to) {
    at = to >= options.length ? -1 : to < -1 ? options.length - 1 : to;
    options.forEach((option, i) => { option.ariaSelected = String(i === at); });
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", options[at].id);
      options[at].scrollIntoView({ block: "nearest" });
    }
  }

  function leave(address) {
    input.blur();
    go(address);
  }

  const option = (id, address, ...content) => h("div.option", { id: `find-${id}`, role: "option", onclick: () => leave(address) }, content);

  const suggest = debounce(PAUSE_MS, async () => {
    const query = input.value.trim();
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    options = [];
    if (query.length < 2) return open(false);
    try {
      const found = await searchMovies({ query, page_size: SUGGESTED }, signal);
      if (signal.aborted) return undefined;
      options = found.movies.map((film, i) => option(i, filmLink(film), strip(film, "span.option-strip"), h("span.option-title", film.title), " ", h("span.option-facts", yearAndDirector(film))));
      if (options.length) options.push(option("all", link("search", { query }), h("span.option-all", `All ${plural(found.total_size || options.length, "film")} for “${query}”`)));
      said.textContent = options.length ? "" : `Nothing found for “${query}”. Fewer letters may find more.`;
      announce(options.length ? `${plural(options.length, "suggestion")}, use the arrow keys` : "No suggestions");
    } catch (error) {
      if (signal.aborted) return undefined;
      said.textContent = error.kind === "limited" ? explain(error) : "Search is not answering just now.";
    }
    listbox.replaceChildren(...options);
    return open(true);
  });

  panel.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  input.addEventListener("input", suggest);
  input.addEventListener("blur", () => open(false));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!panel.hidden) point(at + (event.key === "ArrowDown" ? 1 : -1));
      else if (options.length) open(true);
      else suggest();
    } else if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault();
      open(false);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (at < 0) leave(link("search", { query: input.value.trim() }));
    else options[at].click();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
  const follow = () => {
    suggest.cancel();
    asked.abort();
    open(false);
    const { parts, query } = here();
    input.value = (parts[0] === "search" && query.get("query")) || "";
  };
  addEventListener("hashchange", follow);
  follow();
}
