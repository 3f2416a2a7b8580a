// Picks as a row of films: the reason under each, and the way to refuse it.

import { row } from "../components/films.js";
import { h } from "../dom.js";
import { refusals } from "./refuse.js";

/** The row of an answer's `recommendations`, whose id is `request_id`; `more` is the address of more of them. */
export function pickRow(title, answer, more) {
  const { recommendations } = answer;
  const notes = recommendations.map(({ explanation }) => explanation?.text && h("p.tile-note", explanation.text));
  const made = row(title, recommendations.map((one) => one.movie ?? one), more, notes);
  refusals(made, answer);
  return made;
}
