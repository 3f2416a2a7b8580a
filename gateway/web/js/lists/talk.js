// What is said about a list.

import { attempts } from "../attempt.js";
import { confirming } from "../components/confirm.js";
import { field, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { markup } from "../components/markup.js";
import { notice } from "../components/notice.js";
import { announce, h } from "../dom.js";
import { time } from "../format.js";
import { link } from "../router.js";
import { addComment, deleteComment, listComments } from "../watchlist.js";

const PAGE = 20;

function said(list, one, person, gone) {
  const own = person && (one.user_id === person.user_id || list.my_role === "owner");
  const li = h("li.remark", { "data-id": one.comment_id });
  li.append(h("p.remark-head", one.username ? h("a", { href: link(`people/${one.username}`) }, h("strong", `@${one.username}`)) : h("strong.quiet", "somebody who left"), " ", h("span.quiet.small", time(one.created_at))),
    markup(one.body_html ?? "", "h3"));
  if (own) {
    li.append(confirming("Delete", "The comment goes for everybody.", "Delete it", async () => {
      await deleteComment(list.list_id, one.comment_id);
      li.remove();
      gone();
      return "The comment is gone";
    }, { label: `Delete the comment of ${one.username || "somebody"}` }));
  }
  return li;
}

export async function talk(list, person, signal) {
  const holder = h("ol.talk", { role: "list", "aria-label": "Comments" });
  const once = attempts();
  const draw = (one) => said(list, one, person, () => grown.shift(-1));
  const grown = growing(holder, {
    load: (token) => listComments(list.list_id, { page_size: PAGE, page_token: token }, signal),
    rows: (page) => (page.comments ?? []).filter((one) => !holder.querySelector(`[data-id="${CSS.escape(one.comment_id)}"]`)).map(draw),
    noun: "comment", empty: () => h("p.quiet", list.comments_enabled ? "Nobody has said anything yet." : "There are no comments."),
  });
  await grown.start();
  const text = field("body_markdown", "Your comment", { control: h("textarea", { rows: "4", maxlength: "5000" }), hint: "Markdown: *emphasis*, lists, links. No pictures." });
  const write = form({
    label: "Your comment", fields: [text], need: ["body_markdown"], button: "Say it",
    async send(values) {
      const one = await once({ body_markdown: values.body_markdown.trim() }, (body) => addComment(list.list_id, body));
      holder.append(draw(one));
      grown.shift(1);
      text.input.value = "";
      announce("Your comment is there");
    },
  });
  // a link alone lets nobody comment; whoever is here sees a public list, or works on it
  const way = !list.comments_enabled ? h("p.quiet", "Comments are off for this list.")
    : person ? write.node : notice("Say something yourself", "Comments need a name.", [[link("signin", { next: `lists/${list.list_id}/comments` }), "Sign in"]]);
  return h("div.account", h("h2.hidden", "Comments"), grown.node, way);
}
