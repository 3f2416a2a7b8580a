// What was understood of a wish in words, so that it can be seen and put right.

import { getMovie } from "../api.js";
import { h, items } from "../dom.js";
import { named, runtime } from "../format.js";
import { writer } from "./words.js";

const span = (from, to) => (from && to ? (from === to ? String(from) : `${from}–${to}`) : from ? `from ${from}` : to ? `up to ${to}` : "");

/** The films that a wish names as examples: their titles. */
async function examples(ids = [], signal) {
  return Promise.all(ids.map((id) => getMovie(id, signal).then((film) => film.title, () => `film ${id}`)));
}

/** The block; `correct(values)` is called with filters in place of the wish, and with what no filter can say left in words. */
export async function understoodBlock(wish, correct, signal) {
  const like = await examples(wish.like_movie_ids, signal);
  const lengths = [wish.runtime_min > 0 && `at least ${runtime(wish.runtime_min)}`, wish.runtime_max > 0 && `at most ${runtime(wish.runtime_max)}`].filter(Boolean).join(", ");
  const parts = [
    ...(wish.genre ?? []), ...(wish.excluded_genre ?? []).map((one) => `not ${one}`), span(wish.year_min, wish.year_max), lengths,
    ...(wish.service ?? []).map((one) => `on ${one}`), ...(wish.language ?? []).map((code) => `in ${named("language", code)}`), wish.mood && `mood: ${wish.mood}`,
    ...(wish.people ?? []).map((one) => `with ${one}`), ...like.map((title) => `like ${title}`), wish.about && `about “${wish.about}”`,
  ].filter(Boolean);
  const words = [wish.about, ...(wish.people ?? []).map((one) => `with ${one}`), ...(wish.excluded_genre ?? []).map((one) => `no ${one}`), ...like.map((title) => `like ${title}`)].filter(Boolean).join(", ");
  const filters = wish.genre?.length || wish.service?.length || wish.language?.length || wish.mood || wish.year_min || wish.year_max || wish.runtime_min || wish.runtime_max;
  const button = h("button.button.small", { type: "button", onclick: () => correct({
    genre: wish.genre ?? [], service: wish.service ?? [], language: wish.language ?? [], mood: wish.mood ?? "", query: words,
    ...Object.fromEntries(["year_min", "year_max", "runtime_min", "runtime_max"].map((name) => [name, wish[name] ? String(wish[name]) : ""])),
  }) }, "Not quite? Make these filters");
  const by = writer(wish.parsed_by);
  return h("div.understood", h("p.understood-title", parts.length ? "Understood:" : "Nothing of it was understood; these are the usual ones."), items("ul.chips", parts.map((one) => h("span.chip.said", one)), "What was understood"),
    by && h("p.quiet.small", `Read by ${by}.`), filters && h("p", button));
}
