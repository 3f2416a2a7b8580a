// Lists of rows that grow by pages.

import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { explain } from "./notice.js";

/**
 * Lets `holder`, a list, grow. `load(token)` brings a page; `rows(page)` makes its rows; `noun`: what a row is, for the count; `empty`: what
 * stands there when there is nothing; `onpages(n)` hears how many pages are there; `total(page)`: how many rows there are in all. `start(pages)` fills it, anew if it was filled; `shift(n)`
 * corrects the count after rows have gone or come.
 */
export function growing(holder, { load, rows, noun, empty, onpages = () => {}, total: told = (page) => page.total_size }) {
  const status = h("p.shown", { role: "status" });
  const button = h("button.button", { type: "button", hidden: true, onclick: more }, "More");
  const nothing = h("div", { hidden: true });
  const node = h("div.growing", holder, nothing, h("div.grow", status, button));
  let token = "";
  let loaded = 0;
  let total = 0;
  let turn = 0;

  function tell() {
    const there = holder.querySelectorAll(":scope > :not(.gone)").length;
    total = Math.max(total, there);
    status.textContent = token ? `${count(there)} of ${plural(total, noun)}` : plural(there, noun);
    button.hidden = !token;
    nothing.hidden = there > 0 || Boolean(holder.childElementCount);
    status.hidden = !nothing.hidden;
  }
  async function grow(mine) {
    const page = await load(token);
    if (mine !== turn) return [];
    const fresh = rows(page);
    if (!loaded) holder.replaceChildren();
    holder.append(...fresh);
    token = page.next_page_token ?? "";
    total = told(page) || 0;
    loaded += 1;
    tell();
    return fresh;
  }
  async function more() {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    try {
      const [first] = await grow(turn);
      onpages(loaded);
      first?.querySelector("a:not([tabindex]), button")?.focus({ preventScroll: true });
    } catch (error) {
      status.textContent = `The next ones did not come. ${explain(error)}`;
    }
    button.removeAttribute("aria-disabled");
  }
  return {
    node,
    async start(pages = 1) {
      turn += 1;
      const mine = turn;
      token = "";
      loaded = 0;
      do await grow(mine); while (mine === turn && token && loaded < pages);
      if (empty && !nothing.childElementCount) nothing.append(empty());
    },
    shift(by) {
      total += by;
      tell();
    },
    get total() { return total; },
  };
}
