// What a review said before, for its author.

import { growing } from "../components/growing.js";
import { markup } from "../components/markup.js";
import { failureNotice } from "../components/notice.js";
import { h } from "../dom.js";
import { time } from "../format.js";
import { listRevisions } from "../ratings/calls.js";

/** The earlier texts of a review, latest first. */
export function history(review, signal) {
  const list = growing(h("ol.revisions", { role: "list" }), {
    noun: "earlier text",
    load: (token) => listRevisions(review.review_id, { page_size: 10, page_token: token }, signal),
    rows: ({ revisions = [] }) => revisions.map((one) => h("li.revision",
      h("p.quiet.small", `Number ${one.revision}, written ${time(one.written_at)}${one.contains_spoilers ? ", marked as telling what happens" : ""}`),
      one.title && h("p", h("strong", one.title)), markup(one.body_html))),
    empty: () => h("p.quiet", "It has always said what it says now."),
  });
  const box = h("div.history", list.node);
  list.start().catch((error) => box.replaceChildren(failureNotice(error)));
  return box;
}
