// What somebody has said of films that were shown to them, and the way to take it back.

import { attempts } from "../attempt.js";
import { cardOf, filmLine, leaveBehind } from "../components/filmline.js";
import { doing } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { freshId, h } from "../dom.js";
import { date } from "../format.js";
import { link, recall, remember } from "../router.js";
import { listFeedback, sendFeedback, undoFeedback } from "./calls.js";
import { KINDS } from "./words.js";

const PAGE = 20;

function line(one, shift) {
  const film = cardOf(one);
  const li = h("li.line", { "data-id": one.feedback_id });
  const once = attempts();
  const undo = doing("Take back", async () => {
    await undoFeedback(one.feedback_id);
    leaveBehind(li, `It is as if you had never said it: ${film.title}.`, {
      undo: async () => line({ ...one, ...await once({ movie_id: one.movie_id, kind: one.kind }, sendFeedback) }, shift),
      done: () => shift(1), failed: explain,
    });
    shift(-1);
    return "";
  }, { label: `Take back: ${KINDS[one.kind] ?? one.kind}, ${film.title}` });
  li.append(...filmLine(film, h("p.line-fact", h("span.tag.here", KINDS[one.kind] ?? one.kind), " ", h("span.quiet.small", date(one.created_at)))), h("div.line-ways", undo));
  return li;
}

/** The content of the page. */
export async function told(place) {
  const { signal } = place;
  const failure = h("div");
  const id = freshId();
  const chosen = place.query.get("kind") ?? "";
  const select = h("select", { id, name: "kind", onchange: () => {
    history.replaceState({ ...history.state, pages: 1 }, "", link("for-you/told", { kind: select.value }));
    start();
  } }, h("option", { value: "" }, "Everything"), Object.entries(KINDS).map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  const list = growing(h("ul.lines", { role: "list", "aria-label": "What you said" }), {
    noun: "film", load: (token) => listFeedback({ kind: select.value, page_size: PAGE, page_token: token }, signal),
    rows: ({ feedback = [] }) => feedback.map((one) => line(one, (by) => list.shift(by))), onpages: (pages) => remember({ pages }),
    empty: () => notice("Nothing here", "What you say of films that are picked for you comes here, and can be taken back.", [[link("for-you"), "Your picks"]]),
  });
  async function start(pages) {
    failure.replaceChildren();
    await list.start(pages).catch((error) => { if (!signal.aborted) failure.replaceChildren(failureNotice(error, () => start())); });
  }
  await start(recall("pages"));
  return [h("p.quiet", "All of this counts for what is picked for you. Ratings and the diary count as well, and have their own pages."),
    h("div.choosers", h("div.field", h("label", { for: id }, "Show"), select)), failure, list.node];
}
