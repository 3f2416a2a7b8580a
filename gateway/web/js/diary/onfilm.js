// The diary on a film's page: when one watched it, and the form that notes another time.

import { attempts } from "../attempt.js";
import { announce, h, items, refill, section } from "../dom.js";
import { count } from "../format.js";
import { link } from "../router.js";
import { createEntry } from "../ratings/calls.js";
import { dayName, entryForm } from "./entry.js";

const SHOWN = 4;

/** The section, with the entries that there are; `noted(entry, rated)` hears of a new one and whether it set the rating. */
export function watched(film, { entries = [], total_size: total = 0 }, noted) {
  const list = h("div");
  const place = h("div");
  const once = attempts();
  const note = h("button.button.small", { type: "button", onclick: open }, "I watched it …");
  let known = entries;
  let number = total;

  function draw() {
    note.hidden = false;
    place.replaceChildren();
    if (!known.length) return refill(list, h("p.quiet", "Not in your diary yet."));
    const days = known.slice(0, SHOWN).map((one) => [dayName(one.watched_on), one.rewatch && h("span.quiet", " again")]);
    const rest = number - days.length;
    return refill(list, items("ul.days", days, "Days on which you watched it"), h("p.small", h("a", { href: link("diary", { movie: film.movie_id }) }, rest > 0 ? `And ${count(rest)} more in your diary` : "In your diary")));
  }
  function open() {
    const made = entryForm({
      label: `Note that you watched ${film.title}`, button: "Note it", fresh: true,
      entry: undefined,
      back: () => { draw(); note.focus(); },
      async send(body) {
        const entry = await once({ movie_id: film.movie_id, ...body }, createEntry);
        known = [entry, ...known].sort((a, b) => (a.watched_on < b.watched_on ? 1 : -1));
        number += 1;
        draw();
        note.focus();
        announce(`Noted: ${film.title}, ${dayName(entry.watched_on)}`);
        noted(entry, Boolean(body.rate));
      },
    });
    note.hidden = true;
    place.replaceChildren(made.node);
    made.focus();
  }
  draw();
  return section("section.watched", "Watched", list, note, place);
}
