// A film as a line: a small poster, what it is, and what can be done with it.

import { h, refill } from "../dom.js";
import { runtime, yearAndDirector } from "../format.js";
import { link } from "../router.js";
import { poster } from "./poster.js";

/** The card of an item's film; what is known of it while the catalogue has not told. */
export const cardOf = (item) => item.movie ?? { movie_id: item.movie_id, title: item.title || `Film ${item.movie_id}`, year: item.year || 0, genres: [], directors: [] };

const address = (film) => link(`film/${film.movie_id}`);

/** A picture and words of a film; `more` stands beneath its title and facts. */
export const filmLine = (film, ...more) => [
  h("a.line-poster", { href: address(film), tabindex: "-1", "aria-hidden": "true" }, poster(film)),
  h("div.line-words", h("a.line-title", { href: address(film) }, film.title),
    h("p.quiet.small", [yearAndDirector(film), runtime(film.runtime_minutes)].filter(Boolean).join(" · ")), more),
];

/** Puts other content into a row; whoever was at one of its parts (`data-part`) is at the new one of that name. */
export function redraw(row, ...content) {
  const part = row.contains(document.activeElement) && document.activeElement.dataset.part;
  refill(row, ...content);
  if (part) row.querySelector(`[data-part="${part}"]`)?.focus({ preventScroll: true });
}

/**
 * Leaves a line where a row was: what has gone, and the way back. `undo()` brings it back and gives the row that takes the line's place,
 * after which `done()` is called; what it throws is said in the words of `failed(error)`.
 */
export function leaveBehind(row, text, { undo, done, failed }) {
  const back = h("button.button.small", { type: "button" }, "Undo");
  const said = h("span.form-error", { role: "alert", hidden: true });
  const line = h("li.gone", h("span.gone-text", { role: "status" }, text), back, said);
  back.addEventListener("click", async () => {
    if (back.hasAttribute("aria-disabled")) return;
    back.setAttribute("aria-disabled", "true");
    said.hidden = true;
    try {
      const again = await undo();
      line.replaceWith(again);
      done();
      again.querySelector("a:not([tabindex]), button, select")?.focus({ preventScroll: true });
    } catch (error) {
      said.textContent = failed(error);
      said.hidden = false;
      back.removeAttribute("aria-disabled");
    }
  });
  row.replaceWith(line);
  back.focus({ preventScroll: true });
  return line;
}
