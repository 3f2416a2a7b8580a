// A choice of many names: chips to tick, and a field for names in one's own words.

import { freshId, h } from "../dom.js";
import { count } from "../format.js";

/** Chips that are ticked, and a field for names in one's own words. */
export function chipGroup(legend, hint, placeholder) {
  const error = h("p.field-error", { hidden: true, id: freshId() });
  const holder = h("div.chips");
  const input = h("input", { type: "text", id: freshId(), maxlength: "60", placeholder, autocapitalize: "off" });
  const boxes = () => [...holder.querySelectorAll("input")];

  function add(value, number) {
    const there = boxes().find((box) => box.value.toLowerCase() === value.toLowerCase());
    if (there) return there;
    const box = h("input", { type: "checkbox", value, "aria-describedby": error.id });
    holder.append(h("label.chip.toggle", box, h("span", value), number && h("span.chip-count", count(number))));
    return box;
  }
  function takeOwn() {
    for (const value of input.value.split(",").map((part) => part.trim()).filter(Boolean)) add(value).checked = true;
    input.value = "";
  }
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !input.value.trim()) return; // from an empty field, Enter sends the form
    event.preventDefault();
    takeOwn();
  });
  const button = h("button.button.small", { type: "button", onclick: () => { takeOwn(); input.focus(); } }, "Add");
  return {
    add,
    node: h("fieldset.taste", h("legend", legend), error, holder, h("div.own", h("label", { for: input.id }, hint), input, button)),
    chosen() {
      takeOwn();
      return boxes().filter((box) => box.checked).map((box) => box.value);
    },
    choose(values) {
      for (const box of boxes()) box.checked = false;
      for (const value of values) add(value).checked = true;
    },
    /** Shows what is wrong, if anything: "preferred_genres[1]" names the second value that was sent. */
    refuse(violations, sent) {
      const named = violations.map((one) => sent[Number(/\[(\d+)\]/.exec(one.field)?.[1])]);
      error.replaceChildren(...violations.map((one) => h("span", one.description)));
      error.hidden = !violations.length;
      for (const box of boxes()) box.ariaInvalid = named.includes(box.value) ? "true" : null;
      if (violations.length) (boxes().find((box) => box.ariaInvalid) ?? input).focus();
      return violations.length > 0;
    },
  };
}
