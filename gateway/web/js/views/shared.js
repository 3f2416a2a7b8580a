// The list behind a link, for whoever has it.

import { growing } from "../components/growing.js";
import { failureNotice, notice } from "../components/notice.js";
import { h, refill } from "../dom.js";
import { number, shownFilm } from "../lists/films.js";
import { link } from "../router.js";
import { known } from "../session.js";
import { sharedList } from "../watchlist.js";
import { head } from "./lists.js";
import { WAYS } from "./lost.js";

const PAGE = 30;

export function shared({ query, signal }) {
  const token = query.get("token") ?? "";
  const node = h("div.page.waiting", h("h1", "A list"));
  async function fill() {
    const person = await known();
    let list = null;
    const holder = h("ol.lines", { role: "list", "aria-label": "Films" });
    const grown = growing(holder, {
      async load(page) {
        const answer = await sharedList(token, { page_size: PAGE, page_token: page }, signal);
        list ??= answer.list;
        return answer;
      },
      rows: (page) => (page.items ?? []).map((item) => h(list.ranked ? "li.line.placed" : "li.line", shownFilm(item, list.ranked))),
      noun: "film", onpages: () => number(holder), empty: () => notice("No film on it yet", "Its owner has put none on it."),
    });
    await grown.start();
    number(holder);
    const whole = list.my_role || list.visibility === "PUBLIC";
    refill(node, head(list, person),
      whole && h("p.form-go", h("a.button", { href: link(`lists/${list.list_id}`) }, list.my_role ? "Open it as one who works on it" : "Open it, with its comments")),
      !person && h("p.quiet", h("a", { href: link("signin", { next: `list?token=${token}` }) }, "Sign in"), " to see which of them you have seen."),
      grown.node);
    return list.name;
  }
  const ready = fill().catch((error) => {
    if (signal.aborted) return;
    if (error.kind !== "missing") refill(node, h("h1", "A list"), failureNotice(error));
    else refill(node, h("h1", "This link opens nothing"), notice("Its owner has taken it back", "Or a letter of it is missing: ask for it again.", WAYS, "alert"));
  }).finally(() => node.classList.remove("waiting"));
  return { title: "A list", node, ready };
}
