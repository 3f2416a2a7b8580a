// The talk under a review: threads in reading order, each answer a step further in.

import { attempts } from "../attempt.js";
import { confirming } from "../components/confirm.js";
import { field, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { markup } from "../components/markup.js";
import { failureNotice } from "../components/notice.js";
import { outrun } from "../components/outrun.js";
import { announce, h, refill } from "../dom.js";
import { createComment, deleteComment, listComments, reportComment, updateComment } from "../ratings/calls.js";
import { link } from "../router.js";
import { byline, hiddenNote } from "./byline.js";
import { reporting } from "./report.js";

const LENGTH = "5000";
const PAGE = 20;

function commentForm({ label, button, text = "", guard, send, back }) {
  const body = field("body_markdown", label, { control: h("textarea", { rows: "3", maxlength: LENGTH }) });
  body.input.value = text;
  const made = form({
    label, fields: [body], need: ["body_markdown"], button, primary: false,
    content: [body.node, guard?.box].filter(Boolean),
    send: async ({ body_markdown: words }) => { await send(words, made); },
    more: back && h("button.link", { type: "button", onclick: back }, "Cancel"),
  });
  return { node: made.node, input: body.input, focus: () => body.focus() };
}

/** Finds a comment as it stands now; there is no call for one alone. */
async function current(review, id) {
  for (let token = "", page = {}; ; token = page.next_page_token) {
    page = await listComments(review, { page_size: 100, page_token: token });
    const found = (page.comments ?? []).find((one) => one.comment_id === id);
    if (found) return found;
    if (!page.next_page_token) throw Object.assign(new Error("gone"), { kind: "missing", reason: "", message: "The comment is not there any more" });
  }
}

/** The block; `person` is who reads, null for nobody; `back` is where to come back to after signing in; `counted(n)` hears of `n` more. */
export function comments(review, { person, back, signal, counted = () => {} }) {
  const known = new Map(); // by id: the comment as it is, and its line
  const list = h("ol.comments", { role: "list", "aria-label": "Comments" });
  const grown = growing(list, {
    noun: "comment",
    load: (token) => listComments(review.review_id, { page_size: PAGE, page_token: token }, signal),
    rows: ({ comments: some = [] }) => some.filter((one) => !known.has(one.comment_id)).map(line),
    empty: () => h("p.quiet", "Nobody has said anything yet."),
  });

  function line(comment) {
    const item = h("li.comment", { "data-id": comment.comment_id, style: { "--depth": comment.depth } });
    known.set(comment.comment_id, { comment, item });
    draw(comment, item);
    return item;
  }
  function draw(comment, item) {
    known.set(comment.comment_id, { comment, item });
    const own = Boolean(person) && comment.user_id === person.user_id;
    const there = !comment.deleted && !comment.hidden;
    const place = h("div");
    const open = (made) => {
      place.replaceChildren(made.node);
      made.focus();
    };
    const close = () => {
      place.replaceChildren();
      item.querySelector(".comment-ways button")?.focus();
    };
    const report = person && !own && there && reporting("comment", (body) => reportComment(comment.comment_id, body));
    const ways = person && there && h("p.comment-ways",
      h("button.link", { type: "button", onclick: () => open(answer(comment, close)) }, "Answer"),
      own && h("button.link", { type: "button", onclick: () => open(change(comment, item, close)) }, "Edit"),
      own && confirming("Delete", "Delete this comment?", "Delete it", () => remove(comment.comment_id)),
      report?.button);
    refill(item,
      byline(comment, ""),
      own && comment.hidden && hiddenNote(comment),
      there ? markup(comment.body_html) : h("p.quiet", comment.deleted ? "Its author deleted this comment." : "An administrator hid this comment."),
      ways, report?.place, place);
  }

  /** Puts a new comment where reading comes to it: behind all that lies under what it answers. */
  function place(comment) {
    const above = known.get(comment.parent_comment_id)?.item;
    const item = line(comment);
    let next = above?.nextElementSibling;
    while (next && Number(next.style.getPropertyValue("--depth")) >= comment.depth) next = next.nextElementSibling;
    list.insertBefore(item, above ? next : null);
    const parent = known.get(comment.parent_comment_id);
    if (parent) parent.comment.reply_count += 1;
    grown.shift(1);
    counted(1);
    item.querySelector("button")?.focus();
    announce("Your comment is there");
  }
  function answer(comment, close) {
    const once = attempts();
    return commentForm({
      label: `Answer ${comment.username || "this comment"}`, button: "Answer", back: close,
      async send(words) {
        const made = await once({ body_markdown: words, parent_comment_id: comment.comment_id }, (body) => createComment(review.review_id, body));
        close();
        place(made);
      },
    });
  }
  function change(comment, item, close) {
    const guard = outrun({ etag: comment.etag, newer: () => current(review.review_id, comment.comment_id), shown: (now) => markup(now.body_html), take: (now) => { made.input.value = now.body_markdown; } });
    const made = commentForm({
      label: "Your comment", button: "Save", text: comment.body_markdown, guard, back: close,
      async send(words) {
        draw(await guard.run((etag) => updateComment(comment.comment_id, { body_markdown: words, etag })), item);
        item.querySelector("button")?.focus();
        announce("Saved");
      },
    });
    return made;
  }
  function away(id) {
    const { comment, item } = known.get(id);
    const next = item.nextElementSibling ?? item.previousElementSibling;
    if (comment.reply_count > 0) {
      draw({ ...comment, deleted: true, body_html: "", user_id: "", username: "" }, item);
    } else {
      item.remove();
      known.delete(id);
      const parent = known.get(comment.parent_comment_id);
      if (parent) {
        parent.comment.reply_count -= 1;
        // the last answer takes the empty place above it along
        if (parent.comment.deleted && parent.comment.reply_count < 1) away(parent.comment.comment_id);
      }
    }
    return next;
  }
  async function remove(id) {
    // with its own etag: answers that came since do not count as a change
    await deleteComment(id, known.get(id).comment.etag);
    const next = away(id);
    grown.shift(-1);
    counted(-1);
    (next?.querySelector("button") ?? box.querySelector("textarea"))?.focus();
    return "Deleted";
  }

  function first() {
    if (!person) return h("p", h("a", { href: link("signin", { next: back }) }, "Sign in to say something"));
    const once = attempts();
    return commentForm({
      label: "Say something", button: "Comment",
      async send(words, made) {
        const comment = await once({ body_markdown: words }, (body) => createComment(review.review_id, body));
        made.clear();
        place(comment);
      },
    }).node;
  }
  const box = h("div.thread.waiting", grown.node, first());
  grown.start().catch((error) => grown.node.replaceChildren(failureNotice(error, () => refill(box, comments(review, { person, back, signal, counted })))))
    .finally(() => box.classList.remove("waiting"));
  return box;
}
