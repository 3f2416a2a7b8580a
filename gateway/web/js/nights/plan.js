// Planning a film night.

import { attempts } from "../attempt.js";
import { finder } from "../components/finder.js";
import { field, form } from "../components/forms.js";
import { announce, h } from "../dom.js";
import { yearAndDirector } from "../format.js";
import { go, link } from "../router.js";
import { createNight } from "../watchlist.js";

const MOST = 50;

// Films to begin with, as a field of a form.
function candidates() {
  const chosen = h("ol.favourites", { role: "list", "aria-label": "Films to begin with" });
  const error = h("p.field-error", { hidden: true });
  const values = () => [...chosen.children].map((one) => Number(one.dataset.id));
  const found = finder({
    label: "Find a film", verb: "Propose",
    async choose(film) {
      if (values().includes(film.movie_id)) return `${film.title} is proposed already`;
      if (values().length >= MOST) return `${MOST} films are the most`;
      const away = h("button.button.small", { type: "button", "aria-label": `Take ${film.title} away` }, "Take away");
      const item = h("li", { "data-id": film.movie_id }, h("span", film.title, " ", h("span.quiet", yearAndDirector(film))), away);
      away.addEventListener("click", () => {
        item.remove();
        announce(`${film.title} taken away`);
        found.input.focus();
      });
      chosen.append(item);
      return `${film.title} proposed`;
    },
  });
  return {
    name: "movie_ids", input: found.input,
    get value() { return values(); },
    node: h("fieldset.entry", h("legend", "Films to begin with"), error, chosen, found.node),
    refuse(violations) {
      error.replaceChildren(...violations.map((one) => h("span", one.description)));
      error.hidden = !violations.length;
    },
    focus: () => found.input.focus(),
  };
}

const moment = (value) => (value ? new Date(value).toISOString() : undefined);

/** The form. */
export function planning() {
  const once = attempts();
  const films = candidates();
  const made = form({
    label: "Plan a film night", need: ["name"], button: "Plan it",
    fields: [
      field("name", "What it is called", { maxlength: "100", autocomplete: "off" }),
      field("starts_at", "When the film starts", { type: "datetime-local", hint: "May stay open." }),
      field("closes_at", "When the vote ends", { type: "datetime-local", hint: "Left open, you end it." }),
      field("vetoes_per_person", "Films each may strike out", { control: h("select", [0, 1, 2, 3, 4, 5].map((number) => h("option", { value: number, selected: number === 1 }, number))) }),
      films,
    ],
    async send(values) {
      const night = await once({
        name: values.name.trim(), vetoes_per_person: Number(values.vetoes_per_person), movie_ids: values.movie_ids,
        ...(values.starts_at ? { starts_at: moment(values.starts_at) } : {}), ...(values.closes_at ? { closes_at: moment(values.closes_at) } : {}),
      }, createNight);
      go(link(`film-night/${night.film_night_id}`));
    },
  });
  return made.node;
}
