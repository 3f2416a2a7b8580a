// CineMatch: a taste in genres and services goes in, twenty films come out. The taste is in the address.

import { listGenres, listServices, matchMovies } from "../api.js";
import { chipGroup } from "../components/chipgroup.js";
import { skeletons, tile } from "../components/films.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h, unseen } from "../dom.js";
import { percent, plural } from "../format.js";
import { go, link } from "../router.js";

const FILMS = 20;

function results(answer, ms) {
  const films = answer.recommendations ?? [];
  return [
    answer.degraded && h("p.banner", { role: "status" }, `This answer is poorer than usual: ${answer.degraded_reason || "something was missing"}.`),
    h("div.match-head", h("h2", plural(films.length, "film")), h("p.quiet", answer.model && `Model ${answer.model}, `, `answered in ${ms} ms`)),
    films.length
      ? h("ol.grid", { role: "list" }, films.map((film) => tile(film, h("p.score", h("span.meter", { style: { "--share": percent(film.score) } }), percent(film.score), unseen(" match")))))
      : notice("Nothing suits all of that", "Take a service or a genre away and try again."),
  ].filter(Boolean);
}

export function match(place) {
  const genres = chipGroup("Genres you like", "Or in your own words", "science fiction, noir");
  const services = chipGroup("Services you have", "Or another", "prime");
  const mock = h("p.quiet.small", { hidden: true }, "The service lists are samples made up for demonstration.");
  const box = h("div.match-results");
  const send = (event) => {
    event.preventDefault();
    go(link("match", { genre: genres.chosen(), service: services.chosen(), go: 1 }));
  };
  const node = h("div.page.match",
    h("div.page-head", h("div", h("h1", "CineMatch"), h("p.quiet", "Say what you like and where you watch. Nothing is stored."))),
    h("form.match-form", { "aria-label": "Your taste", onsubmit: send }, genres.node, services.node, mock, h("p.match-go", h("button.button.primary", `Find ${FILMS} films`))), box);

  async function offer(signal) {
    const [known, carried] = await Promise.allSettled([listGenres(signal), listServices(signal)]);
    for (const one of known.value?.genres ?? []) genres.add(one.value, one.count);
    for (const one of carried.value?.services ?? []) services.add(one.value, one.count);
    mock.hidden = carried.value?.source !== "mock";
  }
  const offered = offer(place.signal);

  async function find(taste, signal) {
    box.replaceChildren(skeletons());
    const started = performance.now();
    try {
      const answer = await matchMovies({ user_id: "explorer", preferred_genres: taste.genre, services: taste.service, limit: FILMS }, signal);
      box.replaceChildren(...results(answer, Math.max(1, Math.round(performance.now() - started))));
      announce(`${plural(answer.recommendations?.length, "film")} found`);
    } catch (error) {
      if (signal.aborted) return;
      const about = (field) => error.about?.(field) ?? [];
      const refused = [services.refuse(about("services"), taste.service), genres.refuse(about("preferred_genres"), taste.genre)].some(Boolean);
      box.replaceChildren(refused ? h("p.quiet", { role: "alert" }, "One of the names is not known: see the message beside it.") : failureNotice(error));
    }
  }

  function update({ query, signal }) {
    const taste = { genre: query.getAll("genre"), service: query.getAll("service") };
    async function fill() {
      await offered;
      if (signal.aborted) return;
      for (const [group, values] of [[genres, taste.genre], [services, taste.service]]) {
        group.choose(values);
        group.refuse([], []);
      }
      if (query.has("go")) await find(taste, signal);
      else box.replaceChildren();
    }
    return { title: "CineMatch", ready: fill() };
  }

  return { node, update, ...update(place) };
}
