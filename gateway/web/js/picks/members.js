// Who watches along: people with an account, and guests whose taste is stated.

import { field, form } from "../components/forms.js";
import { finder } from "../components/finder.js";
import { announce, h, refill } from "../dom.js";
import { toggles } from "./toggles.js";

const MOST = 20;
const LIKED = 50;
const FORBIDDEN = "Either nobody has this name, or they have not allowed it: under Account, Preferences, they can let others add them to recommendations for a group. A guest with a stated taste needs no account.";

/** Films to choose, as a field: `verb` names the button of what is found. Gives `ids` and what to show of them. */
export function filmChoice(label, verb, films, most, changed = () => {}) {
  const holder = h("ul.favourites", { role: "list", "aria-label": label });
  const chosen = [...films];
  const found = finder({
    label, verb,
    async choose(film) {
      if (chosen.some((one) => one.movie_id === film.movie_id)) return `${film.title} is there already`;
      if (chosen.length >= most) return `${most} films are the most`;
      add({ movie_id: film.movie_id, title: film.title, year: film.year });
      changed();
      return `${film.title} added`;
    },
  });
  function draw() {
    refill(holder, chosen.map((film) => h("li", h("span", film.title, " ", film.year > 0 && h("span.quiet", film.year)), h("button.button.small", {
      type: "button", "aria-label": `Take ${film.title} away`,
      onclick() {
        chosen.splice(chosen.indexOf(film), 1);
        draw();
        announce(`${film.title} taken away`);
        found.input.focus();
        changed();
      },
    }, "Take away"))));
  }
  function add(film) {
    if (chosen.some((one) => one.movie_id === film.movie_id)) return;
    chosen.push(film);
    draw();
  }
  draw();
  return { node: h("div", holder, found.node), add, get films() { return chosen; } };
}

/** One of the group. `away()` takes them off. */
function entry(member, genres, away) {
  const name = member.username ? `@${member.username}` : member.name;
  const error = h("p.field-error", { role: "alert", hidden: true });
  const taste = !member.username && toggles("preferred_genres", "Genres they like", genres.map((one) => [one, one]));
  const liked = !member.username && filmChoice("Films they like", "Add", member.films ?? [], LIKED);
  taste?.set?.(member.preferred_genres ?? []);
  const remove = h("button.button.small", { type: "button", "aria-label": `Take ${name} off`, onclick: away }, "Take off");
  const li = h("li.member", h("div.item", h("div", h("strong", name), h("span.quiet.small", member.username ? " has an account" : " guest"), error), remove),
    taste && h("details.aside", { open: !member.preferred_genres?.length && !member.films?.length }, h("summary", `What ${name} likes`), h("div.asking-more", taste.node, liked.node)));
  return {
    node: li, key: member.username ? `@${member.username.toLowerCase()}` : member.name, focus: () => remove.focus(),
    get body() {
      return member.username ? { username: member.username } : { name: member.name, preferred_genres: taste.value, liked_movie_ids: liked.films.map((film) => film.movie_id) };
    },
    /** What it takes to show the same again. */
    get kept() { return member.username ? member : { name: member.name, preferred_genres: taste.value, films: liked.films }; },
    /** Shows what the server says of this one; `at` is its field. */
    refuse(said, at) {
      const own = said.filter(({ field: one }) => one === at || one.startsWith(`${at}.`));
      const onGenres = own.filter(({ field: one }) => one.startsWith(`${at}.preferred_genres`));
      const rest = own.filter((one) => !onGenres.includes(one));
      taste?.refuse?.(onGenres);
      refill(error, rest.map(({ description }) => h("span", description)), rest.some(({ field: one }) => one.endsWith(".username")) && h("span", FORBIDDEN));
      error.hidden = !rest.length;
      if (onGenres.length) li.querySelector("details").open = true;
      return own.length > 0;
    },
  };
}

/** The group without oneself: the list, and the ways to add somebody. */
export function members(start, genres) {
  const list = h("ul.items", { role: "list", "aria-label": "Who watches with you" });
  const alone = h("p.quiet", "Nobody yet besides you.");
  let entries = [];

  const tell = () => { alone.hidden = entries.length > 0; };
  function add(member) {
    const made = entry(member, genres, () => {
      entries = entries.filter((one) => one !== made);
      made.node.remove();
      tell();
      announce("Taken off");
      person.fields[0].focus();
    });
    if (entries.some((one) => one.key === made.key)) return "They are in the group already.";
    if (entries.length >= MOST) return `${MOST} people besides you are the most.`;
    entries.push(made);
    list.append(made.node);
    tell();
    return "";
  }
  const adding = (label, fields, make) => form({
    label, fields, need: [fields[0].name], button: "Add", primary: false,
    async send(values) {
      const said = add(make(values));
      if (said) return said;
      fields[0].input.value = "";
      announce(`${label}: done`);
      return undefined;
    },
  });
  const person = adding("Add somebody with an account", [field("username", "User name", { maxlength: "33", autocomplete: "off", autocapitalize: "off", spellcheck: "false", hint: "Of somebody who lets others use their taste." })],
    ({ username }) => ({ username: username.trim().replace(/^@/, "") }));
  const guest = adding("Add a guest", [field("guest", "A guest's name", { maxlength: "80", autocomplete: "off", hint: "Somebody without an account: you say what they like." })], ({ guest: name }) => ({ name: name.trim() }));
  for (const one of start) add(one);
  tell();
  return {
    node: h("div", alone, list, h("div.two", person.node, guest.node)),
    get bodies() { return entries.map((one) => one.body); },
    get kept() { return entries.map((one) => one.kept); },
    /** Shows what is wrong with whom, and tells whether anything is. */
    refuse(error) {
      const wrong = entries.filter((one, i) => one.refuse(error?.violations ?? [], `members[${i}]`));
      wrong[0]?.focus();
      return wrong.length > 0;
    },
  };
}
