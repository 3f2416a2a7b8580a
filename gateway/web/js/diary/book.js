// The diary as a page shows it: entries by month, latest first, which can be changed, taken out and brought back.

import { attempts } from "../attempt.js";
import { cardOf } from "../components/filmline.js";
import { doing } from "../components/forms.js";
import { explain } from "../components/notice.js";
import { poster } from "../components/poster.js";
import { announce, h, refill, section, unseen } from "../dom.js";
import { count, plural } from "../format.js";
import { createEntry, deleteEntry, listEntries, updateEntry } from "../ratings/calls.js";
import { link } from "../router.js";
import { contentOf, dayName, entryForm, entryWords } from "./entry.js";

const PAGE = 50;
const MONTH = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "short", timeZone: "UTC" });

const latest = (one, other) => (one.watched_on === other.watched_on ? 0 : one.watched_on < other.watched_on ? 1 : -1);

function grouped(entries) {
  const found = new Map();
  for (const entry of entries) {
    const month = entry.watched_on.slice(0, 7);
    found.set(month, [...(found.get(month) ?? []), entry]);
  }
  return found;
}

/** The book; `wanted`: year, film and label asked for. `start()` reads it, `add(entry)` puts one in; `none()` is shown when it is empty. */
export function book(wanted, signal, none) {
  const months = h("div.months");
  const status = h("p.shown", { role: "status" });
  const button = h("button.button", { type: "button", hidden: true, onclick: more }, "More");
  const node = h("div.book", months, h("div.grow", status, button));
  let entries = [];
  let token = "";
  let total = 0;

  /** One entry, by the entry alone: its row is drawn anew, nothing else. */
  function row(entry) {
    const film = cardOf(entry);
    const li = h("li.day", { "data-id": entry.entry_id });
    const say = h("p.form-error", { role: "alert", hidden: true });

    function draw() {
      refill(li,
        h("p.day-date", h("time", { datetime: entry.watched_on }, h("strong", Number(entry.watched_on.slice(8))), " ", h("span.quiet", dayName(entry.watched_on, WEEKDAY)))),
        h("a.line-poster", { href: link(`film/${film.movie_id}`), tabindex: "-1", "aria-hidden": "true" }, poster(film)),
        h("div.line-words", h("p", h("a.line-title", { href: link(`film/${film.movie_id}`) }, film.title), film.year > 0 && h("span.quiet", ` ${film.year}`)),
          h("div.entry-words", entryWords(entry, (tag) => link("diary", { tag })))),
        h("p.day-ways",
          h("button.link", { type: "button", onclick: edit }, "Edit", unseen(` ${film.title}, ${dayName(entry.watched_on)}`)),
          doing("Remove", remove, { kind: "small", label: `Remove ${film.title}, ${dayName(entry.watched_on)}` })), say);
    }
    function edit() {
      const made = entryForm({
        entry, label: `Change the note on ${film.title}`, button: "Save", back: () => { draw(); li.querySelector("button").focus(); },
        newer: async () => {
          // a film is seen a few times at most: the entry is among them
          const { entries: some = [] } = await listEntries({ movie_id: entry.movie_id, page_size: 100 });
          const now = some.find((one) => one.entry_id === entry.entry_id);
          if (!now) throw Object.assign(new Error("gone"), { kind: "missing", reason: "", message: "The note is not there any more" });
          return now;
        },
        async send(body) {
          const after = await updateEntry(entry.entry_id, body);
          const moved = after.watched_on !== entry.watched_on;
          entries = entries.map((one) => (one.entry_id === after.entry_id ? after : one)).sort(latest);
          entry = after;
          if (moved) drawAll();
          else draw();
          months.querySelector(`[data-id="${after.entry_id}"] button`)?.focus();
          announce("Saved");
        },
      });
      refill(li, h("div.day-form", h("p", h("strong", film.title)), made.node));
      made.focus();
    }
    async function remove() {
      await deleteEntry(entry.entry_id, entry.etag);
      entries = entries.filter((one) => one.entry_id !== entry.entry_id);
      total -= 1;
      const once = attempts();
      const back = h("button.button.small", { type: "button" }, "Undo");
      back.addEventListener("click", async () => {
        if (back.hasAttribute("aria-disabled")) return;
        back.setAttribute("aria-disabled", "true");
        say.hidden = true;
        try {
          const again = await once(contentOf(entry), createEntry);
          add(again);
          months.querySelector(`[data-id="${again.entry_id}"] button`)?.focus();
        } catch (error) {
          say.textContent = `It is not back. ${explain(error)}`;
          say.hidden = false;
          back.removeAttribute("aria-disabled");
        }
      });
      refill(li, h("p.quiet", `${film.title} is out of your diary.`), back, say);
      li.className = "gone";
      back.focus();
      tell();
      return `${film.title} is out of your diary`;
    }
    draw();
    return li;
  }
  function drawAll() {
    refill(months, [...grouped(entries)].map(([name, some]) => section("section.month", [dayName(`${name}-01`, MONTH), " ", h("span.quiet", plural(some.length, "film"))], h("ol.days-list", { role: "list" }, some.map(row)))));
    if (!entries.length) refill(months, none());
    tell();
  }
  function tell() {
    total = Math.max(total, entries.length);
    button.hidden = !token;
    status.textContent = token ? `${count(entries.length)} of ${plural(total, "note")}` : plural(entries.length, "note");
    status.hidden = !entries.length;
  }
  async function read() {
    const page = await listEntries({ ...wanted, page_size: PAGE, page_token: token }, signal);
    entries.push(...(page.entries ?? []));
    token = page.next_page_token ?? "";
    total = page.total_size ?? 0;
    drawAll();
  }
  async function more() {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    const first = entries.length;
    try {
      await read();
      months.querySelector(`[data-id="${entries[first]?.entry_id}"] a:not([tabindex])`)?.focus({ preventScroll: true });
    } catch (error) {
      status.textContent = `The next ones did not come. ${explain(error)}`;
    }
    button.removeAttribute("aria-disabled");
  }
  function add(entry) {
    entries = [...entries, entry].sort(latest);
    total += 1;
    drawAll();
  }
  return { node, start: read, add };
}

