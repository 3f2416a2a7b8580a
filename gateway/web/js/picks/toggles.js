// A field of values to tick: several as boxes, or one of them as radio buttons.

import { freshId, h } from "../dom.js";

/**
 * The field `name`. `options`: [value, text]; `one`: a single value, the first option stands for none. Values that are not among the
 * options, such as those of an address, are added, so that they can be seen and taken away.
 */
export function toggles(name, legend, options, { one = false } = {}) {
  const error = h("p.field-error", { hidden: true, id: freshId() });
  const group = freshId();
  const holder = h("div.chips");
  const boxes = () => [...holder.querySelectorAll("input")];
  let sent = [];

  function add(value, text = value) {
    const there = boxes().find((box) => box.value === value);
    if (there) return there;
    const box = h("input", { type: one ? "radio" : "checkbox", name: one ? group : name, value, "aria-describedby": error.id });
    holder.append(h("label.chip.toggle", box, h("span", text)));
    return box;
  }
  for (const [value, text] of options) add(value, text);
  const node = h("fieldset.taste", h("legend", legend), error, holder);
  return {
    name, node, add,
    get value() {
      const chosen = boxes().filter((box) => box.checked).map((box) => box.value).filter(Boolean);
      sent = one ? chosen.slice(0, 1) : chosen;
      return one ? chosen[0] ?? "" : chosen;
    },
    set(values) {
      for (const box of boxes()) box.checked = false;
      const chosen = [values].flat().filter(Boolean);
      for (const value of chosen) add(value).checked = true;
      if (one && !chosen.length && boxes().length) boxes()[0].checked = true;
    },
    /** Shows what is wrong with it, if anything: "genre[1]" names the second value that was sent. */
    refuse(violations) {
      const named = violations.map(({ field }) => (one ? sent[0] : sent[Number(/\[(\d+)\]$/.exec(field)?.[1] ?? 0)]));
      error.replaceChildren(...violations.map(({ description }) => h("span", description)));
      error.hidden = !violations.length;
      for (const box of boxes()) box.ariaInvalid = named.includes(box.value) ? "true" : null;
    },
    focus: () => (boxes().find((box) => box.ariaInvalid) ?? boxes().find((box) => box.checked) ?? boxes()[0])?.focus(),
  };
}
