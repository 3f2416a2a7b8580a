// Reporting what one reads to the administrators.

import { field, form } from "../components/forms.js";
import { announce, h } from "../dom.js";

/** Reasons by the contract's words. */
export const REASONS = { spam: "Spam or advertising", abuse: "It insults or threatens", spoiler: "It gives the story away unmarked", off_topic: "It is not about the film", other: "Something else" };

/** A button that opens the form; `send(body)` reports, `what` names it: "review". */
export function reporting(what, send) {
  const place = h("div.report");
  const button = h("button.link", { type: "button", "aria-expanded": "false", onclick: open }, "Report");
  function close() {
    place.replaceChildren();
    button.ariaExpanded = "false";
    button.focus();
  }
  function open() {
    if (place.childElementCount) return close();
    const reason = field("reason", "What is wrong with it?", { control: h("select", Object.entries(REASONS).map(([value, text]) => h("option", { value }, text))) });
    const detail = field("detail", "More about it", { control: h("textarea", { rows: "2", maxlength: "1000" }), hint: "May stay empty. Administrators read it." });
    const made = form({
      label: `Report this ${what}`, fields: [reason, detail], button: "Report it", primary: false,
      async send(values) {
        await send(values);
        place.replaceChildren(h("p.form-done", "Reported. Administrators will look at it."));
        button.hidden = true;
        announce("Reported. Administrators will look at it.");
      },
      more: h("button.link", { type: "button", onclick: close }, "Cancel"),
    });
    place.replaceChildren(made.node);
    button.ariaExpanded = "true";
    return reason.focus();
  }
  return { button, place };
}
