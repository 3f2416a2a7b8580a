// Forms: a label, a hint and the server's word at every field, one button, and one line for what concerns the whole.

import { announce, freshId, h } from "../dom.js";
import { explain, sentence } from "./notice.js";

/** A labelled control. `control` is used as it is; other attributes go to a new input. `beside` stands next to it. */
export function field(name, label, { hint, control, beside, ...attributes } = {}) {
  const id = freshId();
  const input = control ?? h("input", { type: "text", ...attributes });
  const error = h("p.field-error", { id: `${id}-said`, hidden: true });
  input.id = id;
  input.name = name;
  input.setAttribute("aria-describedby", [hint && `${id}-hint`, error.id].filter(Boolean).join(" "));
  const line = beside ? h("div.beside", input, beside) : input;
  const node = h("div.entry", h("label", { for: id }, label), line, hint && h("p.hint", { id: `${id}-hint` }, hint), error);
  return {
    name, node, input,
    get value() { return input.value; },
    /** Shows what is wrong with it, if anything. */
    refuse(violations) {
      error.replaceChildren(...violations.map((one) => h("span", sentence(one.description))));
      error.hidden = !violations.length;
      input.ariaInvalid = violations.length ? "true" : null;
    },
    focus: () => input.focus(),
  };
}

/** A field for a password, which can be looked at. */
export function passwordField(name, label, { fresh = false, hint, ...attributes } = {}) {
  const show = h("button.button.small", { type: "button", "aria-pressed": "false" }, "Show");
  const made = field(name, label, {
    hint, beside: show, type: "password", maxlength: "256", autocomplete: fresh ? "new-password" : "current-password", autocapitalize: "off", spellcheck: "false", ...attributes,
  });
  show.setAttribute("aria-label", `Show ${label.toLowerCase()}`);
  show.addEventListener("click", () => {
    const seen = made.input.type === "password";
    made.input.type = seen ? "text" : "password";
    show.ariaPressed = String(seen);
    show.textContent = seen ? "Hide" : "Show";
  });
  return made;
}

/** A field for a code of digits. */
export const codeField = (name = "code", label = "Code", attributes = {}) =>
  field(name, label, { inputmode: "numeric", autocomplete: "one-time-code", maxlength: "10", spellcheck: "false", ...attributes });

/** A switch with its explanation. */
export function tick(name, label, checked, hint) {
  const input = h("input", { type: "checkbox", name, checked, id: freshId() });
  return { name, input, node: h("label.switch", input, h("span", label, hint && h("span.hint", hint))), get value() { return input.checked; }, refuse() {}, focus: () => input.focus() };
}

/**
 * A form. `fields` are controls of the kinds above; `need` names those that must not be empty; `send(values)` does the work. What
 * it throws is shown: at the field that the server names, else in a line below. `rename` maps the server's names onto the form's.
 */
export function form({ label, fields, button, send, need = [], rename = {}, primary = true, more = [], content }) {
  const line = h("p.form-error", { role: "alert", hidden: true });
  const done = h("p.form-done", { role: "status", hidden: true });
  const go = h(`button.button${primary ? ".primary" : ""}`, { type: "submit" }, button);
  const node = h("form.entries", { "aria-label": label, novalidate: true, onsubmit: submit },
    content ?? fields.map((one) => one.node), line, done, h("p.form-go", go, more));
  const say = (where, text) => {
    where.textContent = text;
    where.hidden = !text;
  };

  function refuse(error) {
    const theirs = (one) => [one.name, ...Object.keys(rename).filter((name) => rename[name] === one.name)];
    const wrong = fields.filter((one) => {
      const violations = theirs(one).flatMap((name) => error.about?.(name) ?? []);
      one.refuse(violations);
      return violations.length;
    });
    if (wrong.length) wrong[0].focus();
    else say(line, explain(error));
  }

  async function submit(event) {
    event.preventDefault();
    if (go.hasAttribute("aria-disabled")) return;
    for (const one of fields) one.refuse([]);
    say(line, "");
    say(done, "");
    const empty = fields.filter((one) => need.includes(one.name) && !one.value.trim());
    for (const one of empty) one.refuse([{ description: "This is needed." }]);
    if (empty.length) return void empty[0].focus();
    go.setAttribute("aria-disabled", "true");
    try {
      const said = await send(Object.fromEntries(fields.map((one) => [one.name, one.value])));
      if (said) say(done, said);
    } catch (error) {
      refuse(error);
    }
    go.removeAttribute("aria-disabled");
    return undefined;
  }
  return { node, fields, refuse, clear: () => { for (const one of fields) one.input.value = ""; } };
}

/** A button that does something at once; what goes wrong is said in the place it gives. */
export function doing(text, run, { label, kind = "small" } = {}) {
  const said = h("span.form-error", { role: "alert", hidden: true });
  const button = h(`button.button.${kind}`, { type: "button", "aria-label": label }, text);
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    said.hidden = true;
    button.setAttribute("aria-disabled", "true");
    try {
      const done = await run();
      if (done) announce(done);
    } catch (error) {
      said.textContent = explain(error);
      said.hidden = false;
    }
    button.removeAttribute("aria-disabled");
  });
  return h("span.doing", button, said);
}
