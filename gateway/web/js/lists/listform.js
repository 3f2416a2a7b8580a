// What a list is: the fields of its form.

import { field, tick } from "../components/forms.js";
import { h } from "../dom.js";

export const VISIBILITIES = { PRIVATE: "Private: those who work on it", UNLISTED: "Unlisted: whoever has its link", PUBLIC: "Public: everybody" };
/** Who sees a list, in one word. */
export const SEEN_BY = { PRIVATE: "private", UNLISTED: "unlisted", PUBLIC: "public" };
export const ROLES = { owner: "yours", editor: "you may change it", viewer: "you may look at it" };

/** Fields for a list, beginning with what it is. */
export function listFields(list = {}) {
  const name = field("name", "Name", { maxlength: "100", autocomplete: "off" });
  name.input.value = list.name ?? "";
  const description = field("description", "What it is about", { control: h("textarea", { rows: "3", maxlength: "2000" }) });
  description.input.value = list.description ?? "";
  const visibility = field("visibility", "Who sees it", {
    control: h("select", Object.entries(VISIBILITIES).map(([value, label]) => h("option", { value, selected: value === (list.visibility ?? "PRIVATE") }, label))),
  });
  return [name, description, visibility,
    tick("ranked", "Ranked", list.ranked, "Its order says which film is better, and places are shown."),
    tick("comments_enabled", "Comments", list.comments_enabled, "Whoever sees it and is signed in may comment; with a link alone nobody does.")];
}

/** What of the form's values goes to the server. */
export const listBody = ({ name, description, ...rest }) => ({ name: name.trim(), description: description.trim(), ...rest });
