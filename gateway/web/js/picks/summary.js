// What reviewers say of a film, summed up, and who wrote the sum.

import { sentence } from "../components/notice.js";
import { h, items } from "../dom.js";
import { date, plural } from "../format.js";
import { reviewSummary } from "./calls.js";
import { writer } from "./words.js";

const words = (label, list) => list?.length > 0 && h("div", h("h3", label), items("ul.said-of", list));

/** The block; null when there is nothing to sum up, or nobody to do it. */
export async function summedUp(movie, signal) {
  const told = await reviewSummary(movie, signal).catch((error) => ({ failed: error }));
  if (told.failed) return signal.aborted ? null : h("p.quiet.small.summed", "A summary of the reviews is not available just now.");
  const missing = told.degraded && h("p.quiet.small", sentence(told.degraded_reason || "something was missing"));
  if (!told.summary) return missing ? h("div.summed", missing) : null;
  const by = writer(told.worded_by);
  const made = by ? `Written by the language model ${by}` : "Counted and quoted, not written by a model,";
  return h("div.summed", h("p.summed-text", told.summary), h("div.two", words("Praised", told.praised), words("Criticised", told.criticised)),
    h("p.quiet.small", `${made} from ${plural(told.review_count, "review")}, ${date(told.created_at)}.`), missing);
}
