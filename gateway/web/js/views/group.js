// Films for several people at once: who they are, what none of them wants, and how well each film suits each.

import { listGenres, listServices } from "../api.js";
import { doing, field } from "../components/forms.js";
import { skeletons } from "../components/films.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h, items, refill, section, unseen } from "../dom.js";
import { percent, plural } from "../format.js";
import { personal } from "../later.js";
import { pickForGroup } from "../picks/calls.js";
import { pickContent } from "../picks/card.js";
import { filmChoice, members } from "../picks/members.js";
import { toggles } from "../picks/toggles.js";
import { lacks } from "../picks/words.js";
import { recall, remember } from "../router.js";
import { lost } from "./lost.js";

const FILMS = 20;
const VETOES = 200;
const STRATEGIES = [["", "Turn by turn: whoever got least chooses next"], ["least_misery", "Nobody hates it"], ["average", "The best on average"]];
const LENGTHS = [["", "Any length"], ["90", "Up to 90 min"], ["120", "Up to 2 h"], ["150", "Up to 2½ h"], ["180", "Up to 3 h"]];

const choice = (name, label, options, value = "") => field(name, label, { control: h("select", options.map(([one, words]) => h("option", { value: one, selected: one === value }, words))) });
function year(name, label, value) {
  const made = field(name, label, { type: "number", min: "0", inputmode: "numeric" });
  made.input.value = value ?? "";
  return made;
}
const number = (text) => Math.trunc(Number(text)) || 0;

/** One film, and how well it suits each. */
function pick(one, strike) {
  const { movie: film, explanation } = one;
  const all = [{ name: "All of you", score: one.score }, ...one.member_scores ?? []];
  return h("li.pick", { "data-id": film.movie_id }, pickContent({ movie: film, explanation },
    items("ul.for-each", all.map(({ name, score }) => [h("span", name), h("span.meter", { "aria-hidden": "true", style: { "--share": percent(score) } }), h("span", percent(score), unseen(" match"))]), `How well ${film.title} suits each`),
    h("div.pick-ways", doing("Strike out", () => strike(film), { label: `Strike out: ${film.title}` }))));
}

async function page(place, person) {
  const { signal } = place;
  const before = recall("group");
  // who is signed in now may be somebody else than then
  const kept = before?.of === person.user_id ? before : { members: place.query.getAll("with").filter((name) => name !== person.username).map((username) => ({ username })) };
  const [genres, services] = (await Promise.allSettled([listGenres(signal), listServices(signal)])).map(({ value }) => value ?? {});
  const genreNames = (genres.genres ?? []).map(({ value }) => value);
  const own = (found) => found.map((value) => [value, value]);

  const who = members(kept.members ?? [], genreNames);
  const genre = toggles("vetoed_genres", "Genres somebody strikes out", own(genreNames));
  const service = toggles("service", "Services at hand", own((services.services ?? []).map(({ value }) => value)));
  const films = filmChoice("Films somebody strikes out", "Strike out", kept.films ?? [], VETOES);
  const strategy = choice("strategy", "How to weigh people", STRATEGIES, kept.strategy);
  const length = choice("runtime_max", "Length", LENGTHS, kept.runtime_max);
  const [from, to] = [year("year_min", "From year", kept.year_min), year("year_max", "To year", kept.year_max)];
  const seen = h("input", { type: "checkbox", name: "include_seen", checked: Boolean(kept.include_seen) });
  genre.set(kept.vetoed_genres ?? []);
  service.set(kept.service ?? []);
  const fields = [genre, service, strategy, length, from, to];
  const box = h("div.group-found");
  let turn = 0;

  async function find() {
    turn += 1;
    const mine = turn;
    const plain = { vetoed_genres: genre.value, service: service.value, strategy: strategy.value, include_seen: seen.checked };
    remember({ group: { ...plain, of: person.user_id, members: who.kept, films: films.films, runtime_max: length.value, year_min: from.value, year_max: to.value, asked: true } });
    refill(box, skeletons("grid"));
    try {
      const answer = await pickForGroup({
        ...plain, members: who.bodies, vetoed_movie_ids: films.films.map((film) => film.movie_id), limit: FILMS,
        runtime_max: number(length.value), year_min: number(from.value), year_max: number(to.value),
      }, signal);
      if (mine !== turn) return;
      refuse(null);
      const found = answer.recommendations ?? [];
      refill(box, lacks(answer), section("section", plural(found.length, "film"), found.length ? h("ol.picks", { role: "list", "aria-label": "Films for the group" }, found.map((one) => pick(one, strike)))
        : notice("Nothing suits all of you", "Strike fewer genres out, allow longer films, or let films come that some have seen.")));
      announce(`${plural(found.length, "film")} for ${plural(who.bodies.length + 1, "person").replace("persons", "people")}`);
    } catch (error) {
      if (mine !== turn || signal.aborted) return;
      refill(box, refuse(error) ? h("p.quiet", { role: "alert" }, "That was not accepted: what is wrong stands beside it.") : failureNotice(error, find));
    }
  }
  function refuse(error) {
    const wrong = fields.filter((one) => {
      const said = error?.about?.(one.name) ?? [];
      one.refuse(said);
      return said.length;
    });
    if (wrong.length) {
      wrong[0].node.closest("details")?.setAttribute("open", "");
      wrong[0].focus();
    }
    return [who.refuse(error), wrong.length > 0].some(Boolean);
  }
  async function strike(film) {
    films.add({ movie_id: film.movie_id, title: film.title, year: film.year });
    await find();
    box.querySelector(".pick .line-title")?.focus({ preventScroll: true });
    return `${film.title} is struck out`;
  }

  const go = h("button.button.primary", { type: "button", async onclick() {
    if (go.hasAttribute("aria-disabled")) return;
    go.setAttribute("aria-disabled", "true");
    await find();
    go.removeAttribute("aria-disabled");
  } }, "Find films for us");
  if (kept.asked) await find();
  return [
    h("p.quiet", "Films for you and others, with how well each suits everybody. Whoever has an account is added only if they allow it; what they rated stays theirs."),
    h("div.group-form", section("section", "Who watches with you", who.node),
      h("details.filters", { open: Boolean(kept.films?.length || kept.vetoed_genres?.length) }, h("summary", "Vetoes and filters"), h("div.asking-more", genre.node, films.node, service.node,
        h("div.three", length.node, from.node, to.node), h("label.switch", seen, h("span", "Films that some of you have seen may come")))),
      strategy.node, h("p.form-go", go)), box,
  ];
}

export function group(place) {
  if (place.parts.length > 1) return lost();
  return personal(place, "Group picks", (person) => page(place, person));
}
