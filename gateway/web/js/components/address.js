// A link to give to others.

import { freshId, h } from "../dom.js";
import { doing } from "./forms.js";

/** An address that can be read, selected and copied. */
export function shareAddress(url, label) {
  const id = freshId();
  const input = h("input", { type: "text", id, value: url, readonly: true, spellcheck: "false", onfocus: () => input.select() });
  const copy = doing("Copy", async () => {
    try {
      await navigator.clipboard.writeText(url);
      return "Copied";
    } catch {
      input.focus(); // no clipboard, or none that may be used: it is selected, and can be copied by hand
      return "Selected: copy it with your keyboard";
    }
  }, { label: `Copy: ${label}` });
  return h("div.address", h("label", { for: id }, label), h("div.beside", input, copy));
}
