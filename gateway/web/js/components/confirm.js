// A button for what cannot be undone: it asks once more, where it stands.

import { h } from "../dom.js";
import { doing } from "./forms.js";

/** A button `text` that asks `question` and then runs; `yes` names what happens then. */
export function confirming(text, question, yes, run, { label } = {}) {
  const box = h("span.confirm");
  const ask = h("button.link", { type: "button", "aria-label": label }, text);
  ask.addEventListener("click", () => {
    const no = h("button.button.small", { type: "button" }, "Keep it");
    no.addEventListener("click", () => {
      box.replaceChildren(ask);
      ask.focus();
    });
    box.replaceChildren(h("span", { role: "group", "aria-label": question, class: "confirm-in" }, h("span.confirm-ask", question), doing(yes, run), no));
    no.focus();
  });
  box.append(ask);
  return box;
}
