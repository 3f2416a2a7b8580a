// The offer to rate a film that was watched just now.

import { h } from "../dom.js";
import { keeping } from "../ratings/keeping.js";
import { starField } from "../ratings/stars.js";

/** Stars for the film as a whole, of a film that its person has not rated yet; the other dimensions are on its page. */
export function rate(film) {
  const field = starField("overall", "How was it?", {
    about: ` Your rating of ${film.title}`, clear: "Take back",
    onchange: (stars) => mine.wish(stars === undefined ? {} : { ...mine.scores, overall: stars }),
  });
  const mine = keeping(film.movie_id, null, { show: (scores) => field.set(scores.overall) });
  return h("div.line-rate", field.node, mine.line);
}
