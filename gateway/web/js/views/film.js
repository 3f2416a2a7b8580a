// One film: what it is, who made it, where to watch it, how it looks, and what is like it.

import { getMovie } from "../api.js";
import { rowSkeleton } from "../components/films.js";
import { failureNotice, notice } from "../components/notice.js";
import { poster } from "../components/poster.js";
import { tint } from "../components/scheme.js";
import { chips, h, items, section, unseen, whenNear } from "../dom.js";
import { named, percent, plural, runtime, stars } from "../format.js";
import { keep } from "../lists/keep.js";
import { link } from "../router.js";
import { lost, WAYS } from "./lost.js";

const LOOKS = ["light", "composition", "texture"];
const COLOURS = { colour: "In colour", "black-and-white": "In black and white", tinted: "Tinted", mixed: "In colour and black and white" };
// people other than directors and cast are found by the words of a search
const PEOPLE = [["Directed by", "directors", "director"], ["Written by", "writers", "query"], ["Photography", "cinematographers", "query"], ["Music", "composers", "query"], ["With", "cast", "cast"]];

const all = (kind, codes = []) => codes.map((code) => named(kind, code)).join(", ");

function rating(film) {
  const mean = stars(film);
  if (!mean) return h("p.quiet", "Nobody has rated it yet.");
  const kind = film.metadata_sources?.includes("starter") ? "simulated rating" : "rating";
  return h("p.rating", h("span.rating-mean", mean), unseen(" of 5, "), h("span.meter", { style: { "--share": percent(film.average_rating / 5) } }), h("span.quiet", plural(film.rating_count, kind)));
}

function credits(film) {
  const lines = PEOPLE.filter(([, key]) => film[key]?.length).map(([label, key, param]) => h("div", h("dt", label), h("dd",
    film[key].map((name, i) => [i > 0 && ", ", h("a", { href: link("search", { [param]: name }) }, name)]))));
  return section("section", "People", lines.length ? h("dl.credits", lines) : h("p.quiet", "Nobody is named in the data."));
}

function watch(film) {
  const services = film.streaming_services ?? [];
  if (!services.length) return section("section", "Where to watch", h("p.quiet", "No streaming service is known to carry it."));
  const mock = film.streaming_source === "mock";
  return section("section", ["Where to watch", mock && [" ", h("span.tag", "sample list")]],
    chips(services.map((name) => [link("search", { service: name }), name])),
    mock && h("p.quiet.small", "These services are made up for demonstration; no real list is installed."));
}

function look({ look: seen }) {
  if (!seen?.palette?.length && !seen?.light) return null;
  return section("section.look", "How it looks",
    COLOURS[seen.colour] && h("p.quiet", COLOURS[seen.colour]),
    h("ul.palette", { role: "list", "aria-label": "Main colours and their share of the picture" }, (seen.palette ?? []).map(({ hex, weight }) =>
      h("li", { style: { "flex-grow": weight } }, h("span.swatch", { style: { background: hex } }), h("span.swatch-hex", hex), " ", h("span.quiet", percent(weight))))),
    h("dl.look-words", LOOKS.filter((key) => seen[key]).map((key) => h("div", h("dt", key[0].toUpperCase() + key.slice(1)), h("dd", seen[key])))),
    seen.scenes?.length && [h("h3", "Remembered for"), items("ul.scenes", seen.scenes)]);
}

function outside(film) {
  const ways = [];
  if (/^tt\d+$/.test(film.imdb_id)) ways.push(["IMDb", `https://www.imdb.com/title/${film.imdb_id}/`]);
  if (/^[\w-]{11}$/.test(film.trailer_youtube_id)) ways.push(["Trailer", `https://www.youtube.com/watch?v=${film.trailer_youtube_id}`]);
  return h("p.film-ways", ways.map(([label, href]) => h("a", { href, rel: "noopener noreferrer" }, label, " ↗")));
}

function page(film) {
  const also = (film.alternative_titles ?? []).filter((title) => title !== film.title).slice(0, 4);
  const facts = [film.year > 0 && h("a", { href: link("search", { year_min: film.year, year_max: film.year }) }, film.year), runtime(film.runtime_minutes), all("region", film.countries), all("language", film.languages)];
  return [
    h("div.film-top", poster(film), h("div.film-words",
      h(film.title.length > 32 ? "h1.film-title.long" : "h1.film-title", film.title),
      also.length > 0 && h("p.quiet.also", `Also known as ${also.join(", ")}`),
      items("ul.facts", facts.filter(Boolean)),
      chips((film.genres ?? []).map((genre) => [link("search", { genre }), genre]), "Genres"),
      rating(film),
      h(film.overview ? "p.overview" : "p.quiet", film.overview || "No description is known."),
      keep(film),
      outside(film))),
    h("div.film-more", credits(film), h("div", watch(film),
      film.keywords?.length > 0 && section("section", "Keywords", items("ul.keywords", film.keywords.slice(0, 24).map((keyword) => h("a", { href: link("search", { keyword }) }, keyword)))))),
    look(film),
  ].filter(Boolean);
}

// The place of films like this one, at the end of the page. They are asked for when somebody comes near it, as many never do.
function likeness(id, signal) {
  const place = rowSkeleton("Similar films");
  const bones = place.lastChild;
  bones.classList.remove("waiting");
  whenNear(place, async () => {
    bones.classList.add("waiting");
    // where they cannot be had, a sentence instead of a hole
    const found = await import("../picks/alike.js").then(({ alike }) => alike(id, signal)).catch(() => h("p.quiet.row", "Similar films are not available just now."));
    place.replaceWith(found);
  }, signal);
  return place;
}

// What people say about it; without it the rest of the page still stands.
async function opinionsOf(found, places, signal) {
  const code = await import("../opinions.js").catch(() => null);
  if (code) await code.opinions(found, places, signal).catch((error) => { if (!signal.aborted) places.ratings.replaceChildren(failureNotice(error)); });
  else places.ratings.replaceChildren(h("p.quiet", "Ratings and reviews did not come."));
  places.ratings.classList.remove("waiting");
}

export function film({ parts, signal }) {
  const id = Number(parts[1]);
  if (!(Number.isInteger(id) && id > 0 && id < 2 ** 31)) return lost();
  const node = h("article.page.film", h("div.film-top.waiting", h("div.poster.blank"), h("div", h("span.bar.tall"), h("span.bar"), h("span.bar.short"))));
  async function fill() {
    try {
      const found = await getMovie(id, signal);
      const ratings = h("div.opinions.waiting");
      const reviews = h("div");
      const [top, ...rest] = page(found);
      tint(found);
      node.replaceChildren(top, ratings, ...rest, reviews, likeness(id, signal));
      await opinionsOf(found, { ratings, reviews }, signal);
      return found.year ? `${found.title} (${found.year})` : found.title;
    } catch (error) {
      if (signal.aborted) return "";
      const missing = error.kind === "missing";
      node.replaceChildren(h("h1", missing ? "No such film" : "Film"),
        missing ? notice(`There is no film with the number ${id}`, "It may have been taken out of the catalogue.", WAYS, "alert") : failureNotice(error));
      return missing ? "No such film" : "Film";
    }
  }
  return { title: "Film", node, ready: fill() };
}
