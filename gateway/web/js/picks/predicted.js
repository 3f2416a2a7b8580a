// On a film's page: the rating that is expected of somebody who has not rated it.

import { h, refill, unseen } from "../dom.js";
import { plural } from "../format.js";
import { sentence } from "../components/notice.js";
import { predictRating } from "./calls.js";

const one = (stars) => stars.toFixed(1);

function content(told) {
  if (!told.rating_count) {
    return [h("p", "Expected of you: ", h("strong", `${one(told.predicted_rating)} ★`)), h("p.quiet.small", "That is what others think of it: rate some films, and it becomes yours.")];
  }
  return [
    h("p", "You would probably rate it ", h("strong", `${one(told.low)} to ${one(told.high)} ★`), unseen(" of 5"), `, most likely ${one(told.predicted_rating)}.`),
    h("p.quiet.small", `From ${plural(told.rating_count, "rating")} of yours. Four of five such guesses hold.`),
  ];
}

/** Fills `box` unless the film is rated; nothing where it cannot be told. */
export async function predicted(box, movie, rating, signal) {
  if (rating) return;
  try {
    const told = await predictRating(movie, signal);
    refill(box, h("div.predicted", content(told), told.degraded && h("p.quiet.small", sentence(told.degraded_reason || "something was missing"))));
  } catch {
    // the page is whole without it
  }
}
