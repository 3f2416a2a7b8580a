// A field that finds a film by its words and does something with it.

import { searchMovies } from "../api.js";
import { announce, freshId, h } from "../dom.js";
import { plural, yearAndDirector } from "../format.js";
import { explain } from "./notice.js";

const FOUND = 6;

/** Finds a film: `label` names the field, `verb` the button of what is found ("Add"), `choose(film)` does it and may say what was done. */
export function finder({ label, verb, choose }) {
  const input = h("input", { type: "search", id: freshId(), maxlength: "200", autocomplete: "off", spellcheck: "false", enterkeyhint: "search" });
  const hits = h("ul.hits", { role: "list", "aria-label": "Films found" });
  const said = h("p.form-error", { role: "alert", hidden: true });
  let turn = 0;
  const say = (text) => {
    said.textContent = text;
    said.hidden = !text;
  };

  async function take(film, button) {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    say("");
    try {
      const done = await choose(film);
      if (done) announce(done);
      hits.replaceChildren();
      input.value = "";
      input.focus();
    } catch (error) {
      say(explain(error));
    }
    button.removeAttribute("aria-disabled");
  }
  const hit = (film) => {
    const button = h("button.button.small", { type: "button", "aria-label": `${verb} ${film.title}${film.year ? ` (${film.year})` : ""}` }, verb);
    button.addEventListener("click", () => take(film, button));
    return h("li", h("span", h("strong", film.title), " ", h("span.quiet", yearAndDirector(film))), button);
  };

  async function find() {
    const query = input.value.trim();
    say("");
    turn += 1;
    const mine = turn;
    if (!query) return hits.replaceChildren();
    try {
      const { movies = [] } = await searchMovies({ query, page_size: FOUND });
      if (mine !== turn) return undefined;
      announce(movies.length ? `${plural(movies.length, "film")} found` : "Nothing found");
      hits.replaceChildren(...(movies.length ? movies.map(hit) : [h("li.quiet", "No film matches. Fewer letters may find more.")]));
    } catch (error) {
      if (mine === turn) say(explain(error));
    }
    return undefined;
  }
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    find();
  });
  const node = h("div.finder", h("div.own", h("label", { for: input.id }, label), input, h("button.button.small", { type: "button", onclick: find }, "Find")), said, hits);
  return { node, input };
}
