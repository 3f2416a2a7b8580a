// The first page: one film's scene and colours, films for whoever is signed in, the three lists, and genres and decades to start from.

import { getMovie, listMovies, searchMovies } from "../api.js";
import { filmLink, row, rowSkeleton } from "../components/films.js";
import { failureNotice } from "../components/notice.js";
import { tint } from "../components/scheme.js";
import { strip } from "../components/searchbox.js";
import { chips, h, section } from "../dom.js";
import { count } from "../format.js";
import { link } from "../router.js";
import { person, unsure } from "../session.js";
import { LISTS } from "./list.js";

const DAY_MS = 86_400_000;

// The opening: a scene of one of today's trending films, and the colours it is made of.
async function openWith(stage, trending, signal) {
  const day = Math.floor(Date.now() / DAY_MS);
  const chosen = trending[day % Math.min(10, trending.length)];
  const film = await getMovie(chosen.movie_id, signal).catch(() => chosen);
  if (signal.aborted) return;
  const scenes = film.look?.scenes ?? [];
  const bars = strip(film, "div.opening-bars");
  tint(film);
  stage.classList.remove("waiting");
  stage.replaceChildren(bars, h("div.opening-words",
    h(scenes.length ? "p.opening-scene" : "p.opening-scene.long", scenes[day % scenes.length] ?? (film.overview || film.title)),
    h("p.opening-film", h("a", { href: filmLink(film) }, film.title), film.year > 0 && ` ${film.year}`, film.directors?.[0] && `, ${film.directors[0]}`)));
}

async function ways(signal) {
  const { facets } = await searchMovies({ facets: true, page_size: 1 }, signal);
  const values = (name) => facets.find((facet) => facet.name === name)?.values ?? [];
  const years = values("decade").map((one) => [parseInt(one.value, 10), one.count]).filter(([year]) => year > 0).sort(([a], [b]) => a - b);
  return section("section.row.starts", "Start from",
    chips(values("genre").map((one) => [link("search", { genre: one.value }), one.value, count(one.count)]), "Genres"),
    chips(years.map(([year, films]) => [link("search", { year_min: year, year_max: year + 9 }), `${year}s`, count(films)]), "Decades"));
}

// Films for whoever is signed in, on their own: nothing waits for them, and their code comes only where somebody may be.
function forMe(signal) {
  if (!person() && !unsure()) return h("p.quiet.row", h("a", { href: link("signin", { next: "for-you" }) }, "Sign in"), " for films of your own, each with the reason why.");
  const place = rowSkeleton("For you");
  place.classList.add("for-me");
  place.dataset.personal = "";
  import("../picks/onhome.js").then(({ picksOnHome }) => picksOnHome(place, signal), () => place.replaceWith(h("p.quiet.row", "Films for you did not come.")));
  return place;
}

export function home({ signal }) {
  const stage = h("section.opening.waiting", { "aria-label": "A film for today" }, h("div.opening-bars"), h("div.opening-words", h("span.bar"), h("span.bar.short")));
  const rows = Object.values(LISTS).map(([title]) => rowSkeleton(title));
  const starts = h("div");
  const lists = h("div.rows", forMe(signal), rows[0], starts, rows.slice(1));
  const node = h("div.home", h("h1.hidden", "CineAesthete: films by story, people and look"), stage, lists);

  async function fill() {
    const answers = Object.keys(LISTS).map((name) => listMovies(name, { page_size: 20 }, signal));
    const opened = answers[1].then(({ movies }) => openWith(stage, movies, signal)).catch(() => stage.remove());
    const started = ways(signal).then((way) => starts.replaceWith(way)).catch(() => starts.remove());
    const settled = await Promise.allSettled(answers);
    if (signal.aborted) return;
    settled.forEach(({ value }, i) => {
      const [name, [title]] = Object.entries(LISTS)[i];
      if (value?.movies.length) rows[i].replaceWith(row(title, value.movies, link(`list/${name}`)));
      else rows[i].remove();
    });
    const failed = settled.find(({ reason }) => reason);
    if (failed) lists.prepend(failureNotice(failed.reason));
    await Promise.all([opened, started]);
  }
  return { title: "", node, ready: fill() };
}
