// One's own rating of a film: five rows of stars.

import { h, section } from "../dom.js";
import { DIMENSIONS } from "./calls.js";
import { keeping } from "./keeping.js";
import { starField } from "./stars.js";

/** The section; `kept(before, after)` hears of every change. `take(rating)` shows another one. */
export function myRating(film, rating, kept) {
  const fields = Object.entries(DIMENSIONS).map(([name, label]) => starField(name, label, {
    value: rating?.[name],
    clear: name === "overall" ? "Take back" : "Clear",
    onchange: (stars) => mine.wish(order({ ...mine.scores, [name]: stars })),
  }));
  const show = (scores) => { for (const field of fields) field.set(scores[field.name]); };
  const mine = keeping(film.movie_id, rating, { show, kept });
  const node = section("section.my-rating", "Your rating", h("div.stars-lines", fields.map(({ node: row }) => row)), mine.line);
  return { node, take: mine.take, get rating() { return mine.rating; } };
}

// in one order and without gaps, so that equal ratings look equal
const order = (scores) => Object.fromEntries(Object.keys(DIMENSIONS).filter((name) => scores[name] !== undefined).map((name) => [name, scores[name]]));
