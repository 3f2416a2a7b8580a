// What a film's page shows of people's opinions: ratings, one's own, the diary, reviews. Its code comes once the film is there.

import { lacking, setupOnly } from "./components/lacking.js";
import { explain } from "./components/notice.js";
import { watched } from "./diary/onfilm.js";
import { h, refill, section } from "./dom.js";
import { getMyRating, getSummary, listEntries } from "./ratings/calls.js";
import { myRating } from "./ratings/mine.js";
import { ratingSummary } from "./ratings/summary.js";
import { filmReviews } from "./reviews/onfilm.js";
import { predicted } from "./picks/predicted.js";
import { link } from "./router.js";
import { known } from "./session.js";

const gone = (title, error) => section("section", title, h("p.quiet", `Not available just now. ${explain(error)}`));
const address = (film) => `film/${film.movie_id}`;

const signIn = (film) => section("section.my-rating", "Your rating",
  h("p.quiet", "Rate it, note when you watched it, and write about it."),
  h("p.form-go", h("a.button.small", { href: link("signin", { next: address(film) }) }, "Sign in"), h("a", { href: link("register") }, "Open an account")));

/** Fills `ratings` and `reviews`, two places on the page of `film`. */
export async function opinions(film, { ratings, reviews }, signal) {
  const id = film.movie_id;
  const summary = getSummary(id, signal).then(ratingSummary, (error) => ({ node: gone("Ratings here", error), adjust() {} }));
  const person = await known();
  const mine = person && !setupOnly(person);
  let stars = () => undefined;
  let reread = () => {};
  reviews.append(filmReviews(film, mine ? person : null, signal, { stars: () => stars(), onrated: () => reread() }));
  if (person && !mine) {
    refill(ratings, h("div", lacking(person, address(film))), (await summary).node);
    return;
  }
  if (!mine) {
    refill(ratings, signIn(film), (await summary).node);
    return;
  }
  const [rating, entries, here] = await Promise.all([
    getMyRating(id, signal).then((value) => ({ value }), (error) => ({ error })),
    listEntries({ movie_id: id, page_size: 5 }, signal).then((value) => ({ value }), (error) => ({ error })),
    summary,
  ]);
  if (signal.aborted) return;
  const guess = h("div", { role: "status" });
  const own = rating.error ? { node: gone("Your rating", rating.error), take() {} } : myRating(film, rating.value, (before, after) => {
    guess.hidden = Boolean(after); // what it would be is no question any more
    here.adjust(before, after);
  });
  // a review and a note of the diary may set the rating, too
  reread = () => {
    if (!rating.error) getMyRating(id).then((now) => { here.adjust(own.rating, now); own.take(now); }, () => {});
  };
  stars = () => own.rating?.overall;
  if (!rating.error) predicted(guess, id, rating.value, signal);
  const diary = entries.error ? gone("Watched", entries.error) : watched(film, entries.value, (_, rated) => { if (rated) reread(); });
  refill(ratings, h("div", { "data-personal": true }, own.node, guess, diary), here.node);
}
