// One's own reviews; and the page of a single one.

import { growing } from "../components/growing.js";
import { failureNotice, notice } from "../components/notice.js";
import { poster } from "../components/poster.js";
import { h, refill } from "../dom.js";
import { personal } from "../later.js";
import { getReview, listMyReviews } from "../ratings/calls.js";
import { reviewCard } from "../reviews/card.js";
import { link, recall, remember } from "../router.js";
import { known } from "../session.js";
import { lost, WAYS } from "./lost.js";

const PAGE = 10;

export function reviews(place) {
  const { signal } = place;
  return personal(place, "Reviews", async (person) => {
    const list = growing(h("ul.reviews", { role: "list", "aria-label": "Your reviews" }), {
      noun: "review",
      load: (token) => listMyReviews({ page_size: PAGE, page_token: token }, signal),
      rows: ({ reviews: some = [] }) => some.map((one) => {
        const item = h("li", { tabindex: "-1" }, reviewCard(one, {
          person, back: "reviews", signal, film: true, level: 2,
          ongone() {
            const next = item.nextElementSibling ?? item.previousElementSibling;
            item.remove();
            list.shift(-1);
            (next?.querySelector("a") ?? document.querySelector("main h1")).focus();
          },
        }));
        return item;
      }),
      empty: () => notice("No reviews yet", "Write about a film on its page.", [["#/search", "Browse films"]]),
      onpages: (pages) => remember({ pages }),
    });
    await list.start(recall("pages") ?? 1);
    return list.node;
  });
}

export function review({ parts, signal }) {
  const id = parts[1] ?? "";
  if (!/^\w{1,64}$/.test(id) || parts.length > 2) return lost();
  const node = h("div.page.waiting", h("h1", "Review"));

  async function fill() {
    // who reads decides whether there is one: hidden reviews are for their authors
    const person = await known();
    const found = await getReview(id, signal);
    const { movie } = found;
    const name = movie?.title ?? `Film ${found.movie_id}`;
    const address = link(`film/${found.movie_id}`);
    refill(node,
      h("div.review-top", movie && h("a.line-poster", { href: address, tabindex: "-1", "aria-hidden": "true" }, poster(movie)),
        h("div", h("h1", h("a", { href: address }, name), movie?.year > 0 && h("span.quiet", ` ${movie.year}`)), h("p", h("a", { href: address }, "The film and all reviews of it")))),
      h("div.one-review", { "data-personal": Boolean(person) }, reviewCard(found, {
        person, back: `review/${id}`, signal, talk: true, level: 2,
        ongone: () => refill(node, h("h1", { tabindex: "-1" }, name), notice("The review is deleted", "It is gone with its likes and comments.", [[address, "The film"], [link("reviews"), "Your reviews"]])),
      })));
    return `${found.title || "Review"} · ${name}`;
  }
  const ready = fill().catch((error) => {
    if (!signal.aborted) node.replaceChildren(h("h1", error.kind === "missing" ? "No such review" : "Review"), error.kind === "missing" ? notice("There is no such review", "Its author may have deleted it.", WAYS) : failureNotice(error));
  }).finally(() => node.classList.remove("waiting"));
  return { title: "Review", node, ready };
}
