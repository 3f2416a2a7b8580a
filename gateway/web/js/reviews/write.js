// Writing a review, or changing one.

import { attempts } from "../attempt.js";
import { field, form, tick } from "../components/forms.js";
import { markup } from "../components/markup.js";
import { outran, outrun } from "../components/outrun.js";
import { debounce, h } from "../dom.js";
import { createReview, deleteRating, getMyRating, getReview, listMyReviews, rate, scores, updateReview } from "../ratings/calls.js";
import { starField } from "../ratings/stars.js";
import { draft } from "./drafts.js";

const PAUSE_MS = 400;
const MARKDOWN = "Markdown: *emphasis*, **strong**, > quotation, - list, [words](https://address). Pictures and HTML are taken out.";

// the stars of a review are the overall rating of its film; the other dimensions stay
async function setOverall(movie, overall, once) {
  const now = await getMyRating(movie);
  if (overall !== undefined) return once({ movie_id: movie, ...scores(now), overall, etag: now?.etag ?? "" }, rate);
  return now && deleteRating(now.rating_id, now.etag);
}

/**
 * The form for the review of film `movie` by `person`: a new one, or `review` changed. `stars` is the rating there is; `saved(review,
 * rated)` hears of what was kept and whether the rating changed; `back` is the way out.
 */
export function reviewForm({ movie, person, review, stars, saved, back }) {
  const title = field("title", "Headline", { maxlength: "200", hint: "May stay empty." });
  const body = field("body_markdown", "Review", { control: h("textarea", { rows: "9", maxlength: "20000" }), hint: MARKDOWN });
  const spoilers = tick("contains_spoilers", "It tells what happens", false, "It is folded, and opens with a click.");
  const rating = starField("overall", "Your rating", { value: stars });
  const put = (values) => {
    title.input.value = values.title ?? "";
    body.input.value = values.body_markdown ?? "";
    spoilers.input.checked = Boolean(values.contains_spoilers);
  };
  put(review ?? {});
  const unsent = draft(person, `film-${movie}`, review?.etag);
  const found = unsent.values;
  const discard = () => {
    unsent.drop();
    put(review ?? {});
    note.remove();
    body.focus();
  };
  const note = found && h("p.banner", "What you were writing here is back. ", h("button.link", { type: "button", onclick: discard }, "Drop it"));
  if (found) put(found);

  const guard = outrun({
    etag: review?.etag,
    newer: () => getReview(kept.review_id),
    shown: (now) => [now.title && h("p", h("strong", now.title)), markup(now.body_html)],
    take: (now) => { put(now); unsent.drop(); },
  });
  if (unsent.late && review) guard.meet(review);
  const createOnce = attempts();
  const rateOnce = attempts();
  let kept = review;
  let given = stars;
  /** Publishes it; where there is one by now, written elsewhere, that one is shown and the next try changes it. */
  async function create(content) {
    try {
      return await createOnce(content, createReview);
    } catch (error) {
      if (error.reason !== "ALREADY_EXISTS") throw error;
      [kept] = (await listMyReviews({ movie_id: movie, page_size: 1 })).reviews ?? [];
      if (!kept) throw error;
      guard.meet(kept);
      throw outran();
    }
  }
  const made = form({
    label: review ? "Change your review" : "Write a review", button: review ? "Save" : "Publish", need: ["body_markdown"],
    fields: [rating, title, body, spoilers],
    content: [note, rating.node, title.node, body.node, spoilers.node, guard.box].filter(Boolean),
    async send({ overall, ...words }) {
      const rated = overall !== given;
      const fresh = !kept;
      if (kept) kept = await guard.run((etag) => updateReview(kept.review_id, { ...words, etag }));
      else kept = await create({ movie_id: movie, ...words, ...(rated && overall !== undefined && { overall }) });
      // the words are kept from here on: only stars may still be missing
      unsent.drop();
      if (rated && (!fresh || overall === undefined)) await setOverall(movie, overall, rateOnce);
      given = overall;
      saved({ ...kept, overall }, rated);
    },
    more: back && h("button.link", { type: "button", onclick: back }, "Cancel"),
  });
  made.node.classList.add("writing");
  made.node.addEventListener("input", debounce(PAUSE_MS, () => {
    if (made.node.isConnected) unsent.keep({ title: title.value, body_markdown: body.value, contains_spoilers: spoilers.value });
  }));
  return { node: made.node, focus: () => body.focus() };
}
