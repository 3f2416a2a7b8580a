// The controls of an item of the watchlist.

import { field } from "../components/forms.js";
import { h } from "../dom.js";

/** Priorities to choose from, highest first. */
export const prioritySelect = (value, attributes = {}) => h("select", attributes, Array.from({ length: 10 }, (_, i) =>
  h("option", { value: 10 - i, selected: 10 - i === value }, 10 - i)));

/** A field for a note. */
export function note(text, label = "Note to yourself") {
  const made = field("notes", label, { control: h("textarea", { rows: "2", maxlength: "2000" }) });
  made.input.value = text ?? "";
  return made;
}

const pad = (number) => String(number).padStart(2, "0");
/** The day of a moment, here, as a date field has it. */
export function dayOf(stamp) {
  if (!stamp) return "";
  const moment = new Date(stamp);
  return `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
}

/** A moment of a day, as the contract has it: its noon, or a second ago when noon is to come. */
export function momentOf(day) {
  const noon = new Date(`${day}T12:00:00`);
  return (noon > Date.now() ? new Date(Date.now() - 1000) : noon).toISOString();
}
