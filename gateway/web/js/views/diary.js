// One's diary: what one watched, and when.

import { getMovie } from "../api.js";
import { attempts } from "../attempt.js";
import { finder } from "../components/finder.js";
import { failureNotice, notice } from "../components/notice.js";
import { book } from "../diary/book.js";
import { dayName, entryForm } from "../diary/entry.js";
import { announce, h, refill, section } from "../dom.js";
import { personal } from "../later.js";
import { createEntry, getStatistics } from "../ratings/calls.js";
import { link } from "../router.js";

const asked = (query) => ({ year: /^\d{4}$/.test(query.get("year") ?? "") ? query.get("year") : "", movie_id: Number(query.get("movie")) || 0, tag: (query.get("tag") ?? "").slice(0, 40) });

/** The years there are; a diary can be read without them. */
function years(wanted, signal) {
  const box = h("nav.tabs", { "aria-label": "Years" });
  const draw = (list) => refill(box, ["", ...list.map(String)].map((year) =>
    h("a", { href: link("diary", { tag: wanted.tag, year }), "aria-current": year === wanted.year && !wanted.movie_id && "page" }, year || "All years")));
  draw(wanted.year ? [wanted.year] : []);
  getStatistics(0, signal).then(({ years_available: list = [] }) => draw(list)).catch(() => {});
  return box;
}

/** What the diary is narrowed to, with the ways out. */
function narrowed(wanted, signal) {
  const parts = [];
  const off = (label, changes) => h("li", h("a.chip.on", { href: link("diary", { year: wanted.year, tag: wanted.tag, movie: wanted.movie_id, ...changes }), "aria-label": `Remove ${label}` }, label, h("span.chip-off", { "aria-hidden": "true" }, "×")));
  if (wanted.tag) parts.push(off(wanted.tag, { tag: "" }));
  if (wanted.movie_id) {
    const chip = off("one film", { movie: "" });
    parts.push(chip);
    getMovie(wanted.movie_id, signal).then(({ title }) => chip.replaceWith(off(title, { movie: "" }))).catch(() => {});
  }
  return parts.length > 0 && h("ul.chips.force", { role: "list", "aria-label": "Only" }, parts);
}

export function diary(place) {
  const wanted = asked(place.query);
  const { signal } = place;
  const empty = () => (wanted.tag || wanted.movie_id || wanted.year
    ? notice("Nothing noted", "Nothing in your diary is like that.", [[link("diary"), "The whole diary"]])
    : notice("An empty diary", "Find a film above, or open its page: “I watched it” notes the day. A diary kept elsewhere can be brought along.", [["#/search", "Browse films"], ["#/import", "Import"]]));
  return personal(place, "Diary", async () => {
    const pages = book(wanted, signal, empty);
    const form = h("div");
    const once = attempts();
    const close = () => {
      form.replaceChildren();
      search.input.focus();
    };
    const search = finder({
      label: "A film you watched", verb: "Note",
      choose(film) {
        const made = entryForm({
          label: `Note that you watched ${film.title}`, button: "Note it", fresh: true, back: close,
          async send(body) {
            const entry = await once({ movie_id: film.movie_id, ...body }, createEntry);
            pages.add(entry);
            close();
            announce(`Noted: ${film.title}, ${dayName(entry.watched_on)}`);
          },
        });
        refill(form, section("section.noting", film.title, made.node));
        // the finder takes the focus back when it is done
        setTimeout(() => made.focus());
      },
    });
    const failed = h("div");
    await pages.start().catch((error) => failed.append(failureNotice(error)));
    return [h("div.find-film", search.node), form, years(wanted, signal), narrowed(wanted, signal), failed.firstChild ?? pages.node];
  });
}
