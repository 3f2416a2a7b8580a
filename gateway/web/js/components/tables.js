// Tables that grow by pages.

import { h } from "../dom.js";
import { count, plural } from "../format.js";
import { failureNotice } from "./notice.js";

/** A table named `label`; `load(token)` brings `{rows, next_page_token, total_size}`, each row a list of texts or elements. */
export function growingTable(label, columns, load) {
  const body = h("tbody");
  const status = h("p.shown", { role: "status" });
  const button = h("button.button", { type: "button", hidden: true, onclick: more }, "More");
  const frame = h("div.table-frame", { role: "region", "aria-label": label, tabindex: "0" }, h("table", h("thead", h("tr", columns.map((name) => h("th", { scope: "col" }, name)))), body));
  const node = h("div.waiting", frame, h("div.grow", status, button));
  let token = "";
  async function more() {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    try {
      const page = await load(token);
      body.append(...page.rows.map((row) => h("tr", row.map((cell) => h("td", cell)))));
      token = page.next_page_token ?? "";
      button.hidden = !token;
      const number = body.childElementCount;
      status.textContent = page.total_size > number ? `${count(number)} of ${count(page.total_size)}` : number ? plural(number, "row") : "Nothing matches.";
    } catch (error) {
      if (!body.childElementCount) node.replaceChildren(failureNotice(error));
      else status.textContent = error.message;
    }
    button.removeAttribute("aria-disabled");
    node.classList.remove("waiting");
  }
  more();
  return node;
}
