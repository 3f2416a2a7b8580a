// The reviews of a film, and one's own among them. They are asked for when somebody comes near them.

import { growing } from "../components/growing.js";
import { failureNotice } from "../components/notice.js";
import { announce, freshId, h, refill, section, whenNear } from "../dom.js";
import { listMyReviews, listReviews } from "../ratings/calls.js";
import { summedUp } from "../picks/summary.js";
import { link } from "../router.js";
import { reviewCard } from "./card.js";
import { reviewForm } from "./write.js";

const ORDERS = { "": "Newest first", most_liked: "Most liked first", highest: "Best rated first", lowest: "Worst rated first" };
const PAGE = 10;

/** One's own review, or the way to write it. `stars()` gives one's rating; `onrated()` hears that it was set with a review. */
function mine(film, person, back, signal, { stars, onrated }) {
  const box = h("div.own-review", { "data-personal": true });
  const offer = (focus) => {
    const button = h("button.button", { type: "button", onclick: write }, "Write a review");
    refill(box, button);
    if (focus) button.focus();
  };
  function show(review) {
    const card = reviewCard(review, {
      person, back, signal,
      onchange: (_, rated) => { if (rated) onrated(); },
      ongone: () => offer(true),
    });
    refill(box, card);
    return card;
  }
  function write() {
    const made = reviewForm({
      movie: film.movie_id, person, stars: stars(), back: () => offer(true),
      saved(review, rated) {
        show(review).querySelector(".review-title").focus();
        announce("Your review is there");
        if (rated) onrated();
      },
    });
    refill(box, h("h3", "Your review"), made.node);
    made.focus();
  }
  return {
    box,
    async fill() {
      const { reviews: [review] = [] } = await listMyReviews({ movie_id: film.movie_id, page_size: 1 }, signal);
      if (review) show(review);
      else offer();
    },
  };
}

/** The section. `ties`: `stars()` and `onrated()`, see above. */
export function filmReviews(film, person, signal, ties) {
  const back = `film/${film.movie_id}`;
  const own = person ? mine(film, person, back, signal, ties) : null;
  const order = h("select", { id: freshId(), onchange: () => start() }, Object.entries(ORDERS).map(([value, text]) => h("option", { value }, text)));
  const hide = h("input", { type: "checkbox", onchange: () => start() });
  const place = h("div");
  const sum = h("div");
  let turn = 0;

  const list = () => growing(h("ul.reviews", { role: "list" }), {
    noun: "review",
    load: (token) => listReviews(film.movie_id, { order_by: order.value, hide_spoilers: hide.checked && "true", page_size: PAGE, page_token: token }, signal),
    rows: ({ reviews: some = [] }) => some.filter((one) => one.user_id !== person?.user_id || !person).map((one) => h("li", reviewCard(one, { person, back, signal }))),
    empty: () => h("p.quiet", hide.checked ? "Nobody else has written about it without telling what happens." : person ? "Nobody else has written about it." : "Nobody has written about it."),
  });
  async function start() {
    turn += 1;
    const now = turn;
    const fresh = list();
    place.classList.add("waiting");
    try {
      await fresh.start();
      if (now === turn) place.replaceChildren(fresh.node);
    } catch (error) {
      if (now === turn && !signal.aborted) place.replaceChildren(failureNotice(error, start));
    }
    if (now === turn) place.classList.remove("waiting");
  }
  function begin() {
    unwatch();
    node.dataset.begun = "yes";
    start();
    summedUp(film.movie_id, signal).then((block) => { if (block && !signal.aborted) refill(sum, block); });
    own?.fill().catch((error) => { if (!signal.aborted) refill(own.box, failureNotice(error, begin)); });
  }
  const node = section("section.film-reviews", "Reviews",
    sum, own ? own.box : h("p", h("a.button.small", { href: link("signin", { next: back }) }, "Sign in to write one")),
    h("div.reviews-how", h("div.field", h("label", { for: order.id }, "Order"), order), h("label.switch", hide, h("span", "Only those that do not tell what happens"))),
    place);
  place.append(h("button.button.small", { type: "button", onclick: begin }, "Show the reviews"));
  const unwatch = whenNear(node, begin, signal);
  return node;
}
