// A review: what it says, folded when it tells too much, and what can be done with it.

import { confirming } from "../components/confirm.js";
import { markup } from "../components/markup.js";
import { explain } from "../components/notice.js";
import { freshId, h, refill, unseen } from "../dom.js";
import { count } from "../format.js";
import { deleteReview, likeReview, reportReview, unlikeReview } from "../ratings/calls.js";
import { starsOf } from "../ratings/stars.js";
import { link } from "../router.js";
import { byline, hiddenNote } from "./byline.js";
import { comments } from "./comments.js";
import { history } from "./history.js";
import { reporting } from "./report.js";
import { reviewForm } from "./write.js";

const FEELS = { POSITIVE: "likes it", NEGATIVE: "dislikes it", NEUTRAL: "is in two minds" };

/** A button that shows and hides `place`, which `fill()` fills when it is first shown. */
function unfolding(text, place, fill, open = false) {
  place.id = freshId();
  const button = h("button.link", { type: "button", "aria-expanded": "false", "aria-controls": place.id, onclick: () => show(place.hidden) }, text);
  function show(yes) {
    if (yes && !place.childElementCount) place.append(...[fill()].flat());
    place.hidden = !yes;
    button.ariaExpanded = String(yes);
  }
  place.hidden = true;
  if (open) show(true);
  return button;
}

function likes(review, person, back) {
  const number = (n) => h("span.like-count", count(n), unseen(n === 1 ? " person likes it" : " people like it"));
  if (!person) return h("span.like", h("a", { href: link("signin", { next: back }) }, "Like", unseen(" it: sign in first")), " ", number(review.like_count));
  const said = h("span.form-error", { role: "alert", hidden: true });
  const button = h("button.button.small.like-button", { type: "button" });
  const draw = () => {
    button.ariaPressed = String(review.liked_by_me);
    refill(button, h("span.like-mark", { "aria-hidden": "true" }, review.liked_by_me ? "♥" : "♡"), "Like", number(review.like_count));
  };
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    said.hidden = true;
    try {
      Object.assign(review, await (review.liked_by_me ? unlikeReview : likeReview)(review.review_id));
      draw();
    } catch (error) {
      said.textContent = explain(error);
      said.hidden = false;
    }
    button.removeAttribute("aria-disabled");
  });
  draw();
  return h("span.like", button, said);
}

function words(review, level) {
  const text = markup(review.body_html, `h${level + 1}`);
  if (!review.contains_spoilers) return text;
  const place = h("div.spoiler");
  const button = unfolding("Show it: it tells what happens", place, () => text);
  button.className = "button small spoiler-button";
  return [button, place];
}

/**
 * The card. `person`: who reads, null for nobody; `back`: where to come back to after signing in; `film`: whether to name the film;
 * `talk`: whether the comments stand open; `level` of its heading; `onchange(review, rated)` hears that its author changed it, `ongone()` that it was deleted.
 */
export function reviewCard(review, { person, back, signal, film = false, talk = false, level = 3, onchange = () => {}, ongone = () => {} }) {
  const node = h("article.review");
  const address = link(`review/${review.review_id}`);

  function draw(now, focus = false) {
    const own = Boolean(person) && now.user_id === person.user_id;
    const id = freshId();
    const saying = h("div.talk-place");
    const past = h("div");
    const number = h("span.chip-count", count(now.comment_count));
    const counted = (by) => {
      now.comment_count += by;
      number.textContent = count(now.comment_count);
    };
    const report = person && !own && !now.hidden && reporting("review", (body) => reportReview(now.review_id, body));
    const talking = unfolding("Comments", saying, () => comments(now, { person, back, signal, counted }), talk);
    talking.append(" ", number);
    const edit = own && h("button.link", { type: "button", onclick: () => write(now) }, "Edit");
    const { movie } = now;
    node.setAttribute("aria-labelledby", id);
    refill(node,
      film && h("p.review-film", h("a", { href: link(`film/${now.movie_id}`) }, movie ? movie.title : `Film ${now.movie_id}`), movie?.year > 0 && h("span.quiet", ` ${movie.year}`)),
      h(`h${level}.review-title`, { id, tabindex: "-1" }, now.title || (own ? "Your review" : `A review by ${now.username || "somebody"}`)),
      byline(now, address, now.overall !== undefined && starsOf(now.overall), FEELS[now.sentiment?.label] && h("span.quiet", FEELS[now.sentiment.label])),
      hiddenNote(now),
      words(now, level),
      h("p.review-ways", likes(now, person, back), talking, edit,
        own && now.revision > 1 && unfolding("History", past, () => history(now, signal)),
        own && confirming("Delete", "Delete your review with its likes and comments?", "Delete it", async () => {
          await deleteReview(now.review_id, now.etag);
          ongone();
          return "Your review is deleted";
        }),
        report?.button),
      report?.place, past, saying);
    if (focus) node.querySelector(".review-title").focus();
  }
  function write(now) {
    const made = reviewForm({
      movie: now.movie_id, person, review: now, stars: now.overall,
      back: () => { draw(now); node.querySelector(".review-title").focus(); },
      saved: (after, rated) => {
        draw({ ...now, ...after }, true);
        onchange(after, rated);
      },
    });
    const id = freshId();
    node.setAttribute("aria-labelledby", id);
    refill(node, h(`h${level}.review-title`, { id, tabindex: "-1" }, "Change your review"), made.node);
    made.focus();
  }
  draw(review);
  return node;
}
