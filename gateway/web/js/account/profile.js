// What a person says of themselves, and which of it others see.

import { getMovie, searchMovies } from "../api.js";
import { field, form, tick } from "../components/forms.js";
import { announce, freshId, h, section } from "../dom.js";
import { time, yearAndDirector } from "../format.js";
import { getProfile, updateProfile } from "../identity.js";
import { link } from "../router.js";
import { look } from "../session.js";

const FIELDS = [
  ["display_name", "Name", { maxlength: "80", autocomplete: "name" }],
  ["bio", "About you", { rows: "4", maxlength: "2000" }],
  ["location", "Where you are", { maxlength: "100", hint: "In your own words." }],
  ["website_url", "Your page elsewhere", { type: "url", maxlength: "500", placeholder: "https://", autocomplete: "url" }],
  ["avatar_url", "Address of a picture", { type: "url", maxlength: "500", placeholder: "https://", hint: "For other programs; these pages draw a mark of their own." }],
];
const MOST_FILMS = 10;

const control = (name, label, value, attributes) => {
  const { hint, ...rest } = attributes;
  const made = field(name, label, { hint, control: h(rest.rows ? "textarea" : "input", rest.rows ? rest : { type: "text", ...rest }) });
  made.input.value = value ?? "";
  return made;
};

/** Films to show on the profile: those chosen, and a field to find more. */
async function favourites(ids, signal) {
  const error = h("p.field-error", { hidden: true });
  const chosen = h("ol.favourites", { role: "list", "aria-label": "Films on your profile" });
  const hits = h("ul.favourites", { role: "list", "aria-label": "Films found" });
  const input = h("input", { type: "text", id: freshId(), maxlength: "200", autocomplete: "off" });
  const values = () => [...chosen.children].map((item) => Number(item.dataset.id));

  function add({ movie_id: id, title, ...film }) {
    if (values().includes(id)) return;
    const away = h("button.button.small", { type: "button", "aria-label": `Take ${title} away` }, "Take away");
    const item = h("li", { "data-id": id }, h("span", h("a", { href: link(`film/${id}`) }, title), " ", h("span.quiet", yearAndDirector(film))), away);
    away.addEventListener("click", () => {
      item.remove();
      announce(`${title} taken away`);
      input.focus();
    });
    chosen.append(item);
  }
  async function find() {
    const query = input.value.trim();
    if (!query) return;
    try {
      const { movies } = await searchMovies({ query, page_size: 5 });
      announce(movies.length ? `${movies.length} found` : "Nothing found");
      hits.replaceChildren(...(movies.length ? movies.map((film) => h("li", h("span", film.title, " ", h("span.quiet", yearAndDirector(film))),
        h("button.button.small", { type: "button", "aria-label": `Add ${film.title}`, onclick: () => {
          if (values().length >= MOST_FILMS) return announce(`${MOST_FILMS} films are the most`);
          add(film);
          hits.replaceChildren();
          input.value = "";
          announce(`${film.title} added`);
          return input.focus();
        } }, "Add"))) : [h("li.quiet", "No film matches.")]));
    } catch {
      hits.replaceChildren(h("li.quiet", "Search is not answering just now."));
    }
  }
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    find();
  });
  const films = await Promise.all(ids.map((id) => getMovie(id, signal).catch(() => ({ movie_id: id, title: `Film ${id}` }))));
  for (const film of films) add(film);
  return {
    name: "favourite_movie_ids", input,
    get value() { return values(); },
    node: h("fieldset.entry", h("legend", "Films you would show anybody"), error, chosen,
      h("div.own", h("label", { for: input.id }, "Find a film"), input, h("button.button.small", { type: "button", onclick: find }, "Find")), hits),
    refuse(violations) {
      error.replaceChildren(...violations.map((one) => h("span", one.description)));
      error.hidden = !violations.length;
    },
    focus: () => input.focus(),
  };
}

export async function profile(person, signal) {
  const kept = await getProfile(signal);
  let { etag } = kept;
  const controls = FIELDS.map(([name, label, attributes]) => control(name, label, kept[name], attributes));
  const films = await favourites(kept.favourite_movie_ids ?? [], signal);
  const all = [...controls, films];
  const seen = all.map(({ name }) => tick(`public:${name}`, "Others may see it", kept.public_fields?.includes(name)));
  const names = all.map(({ name }) => name);
  const send = async (values) => {
    const body = Object.fromEntries(names.map((name) => [name, typeof values[name] === "string" ? values[name].trim() : values[name]]));
    const shown = names.filter((name) => values[`public:${name}`]);
    // a name cannot be emptied: without one, the user name stands
    body.display_name ||= person.username;
    ({ etag } = await updateProfile({ ...body, public_fields: shown, update_mask: "displayName,bio,location,websiteUrl,avatarUrl,favouriteMovieIds,publicFields", etag }));
    await look();
    return "Saved.";
  };
  return section("section", "Profile",
    h("p.quiet", "Your user name, ", h("strong", person.username), ", is what others always see: ", h("a", { href: link(`people/${person.username}`) }, "your page as they see it"), kept.updated_at && `. Last changed ${time(kept.updated_at)}.`),
    form({ label: "Profile", fields: [...all, ...seen], button: "Save", send, content: all.map((one, i) => h("div.with-switch", one.node, seen[i].node)) }).node);
}
