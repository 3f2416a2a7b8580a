// A link to give to others.

import { freshId, h } from "../dom.js";
import { doing } from "./forms.js";

/** An address that can be read, selected and copied; whole, also where the server does not know by what name people reach it. */
export function shareAddress(address, label) {
  const url = new URL(address, location.href).href;
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
