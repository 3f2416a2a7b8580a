// An entry of the diary: how it reads, and the form that makes or changes one.

import { field, form, tick } from "../components/forms.js";
import { outrun } from "../components/outrun.js";
import { h, items } from "../dom.js";
import { starField, starsOf } from "../ratings/stars.js";

const FULL = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
const FIELDS = ["watched_on", "rewatch", "overall", "notes", "tags"];
const MASK = "watchedOn,rewatch,overall,notes,tags";

/** Today where one is, as the diary writes days. */
export function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
}

/** A day of the diary as people read it; days have no time zone. */
export const dayName = (day, how = FULL) => how.format(new Date(`${day}T00:00:00Z`));

const labels = (text) => [...new Set(text.split(",").map((one) => one.trim()).filter(Boolean))];

/** What an entry says beside its day and film; `found(tag)` is the address of what has that label. */
export const entryWords = (entry, found) => [
  entry.rewatch && h("span.entry-mark", "seen again"),
  entry.overall !== undefined && starsOf(entry.overall),
  entry.tags?.length > 0 && items("ul.entry-tags", entry.tags.map((tag) => (found ? h("a.entry-tag", { href: found(tag) }, tag) : h("span.entry-tag", tag))), "Labels"),
  entry.notes && h("p.entry-notes", entry.notes),
].filter(Boolean);

/**
 * The form, for a new entry or an existing one. `send(body)` keeps it; where it was changed elsewhere, `newer()` brings how it stands
 * now. `fresh`: it may set the rating, too. `back` is the way out.
 */
export function entryForm({ entry, label, button, send, newer, fresh = false, back }) {
  const day = field("watched_on", "Day", { type: "date", max: today(), min: "1895-01-01" });
  const again = tick("rewatch", "I had seen it before");
  const stars = starField("overall", "What you thought that day");
  const rate = tick("rate", "That is my rating of the film, too", true);
  const notes = field("notes", "Notes to yourself", { control: h("textarea", { rows: "3", maxlength: "2000" }), hint: "Nobody else reads them." });
  const tags = field("tags", "Labels", { maxlength: "600", hint: "Such as cinema, or with Ana. Commas between them." });
  const put = (now = {}) => {
    day.input.value = now.watched_on ?? today();
    again.input.checked = Boolean(now.rewatch);
    stars.set(now.overall);
    notes.input.value = now.notes ?? "";
    tags.input.value = (now.tags ?? []).join(", ");
  };
  const guard = outrun({ etag: entry?.etag, newer, take: put, shown: (now) => h("div.entry-words", h("p", dayName(now.watched_on)), entryWords(now)) });
  put(entry);
  const made = form({
    label, fields: [day, again, stars, ...(fresh ? [rate] : []), notes, tags], need: ["watched_on"], button,
    content: [h("div.three", day.node, again.node), stars.node, fresh && rate.node, notes.node, tags.node, guard.box].filter(Boolean),
    async send(values) {
      const body = { watched_on: values.watched_on, rewatch: values.rewatch, notes: values.notes, tags: labels(values.tags) };
      if (values.overall !== undefined) body.overall = values.overall;
      if (fresh && values.rate && body.overall !== undefined) body.rate = true;
      await guard.run((etag) => send(entry ? { ...body, etag, update_mask: MASK } : body));
    },
    more: back && h("button.link", { type: "button", onclick: back }, "Cancel"),
  });
  return { node: made.node, focus: () => day.focus() };
}

/** The fields of an entry, to make it again. */
export const contentOf = (entry) => ({ movie_id: entry.movie_id, ...Object.fromEntries(FIELDS.map((name) => [name, entry[name]]).filter(([, value]) => value !== undefined && value !== null)) });
