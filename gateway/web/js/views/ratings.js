// One's own ratings: in six orders, by genre, year, stars and title; each can be changed or taken back where it stands.

import { listGenres } from "../api.js";
import { cardOf, filmLine, leaveBehind } from "../components/filmline.js";
import { field } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { debounce, freshId, h, refill } from "../dom.js";
import { date } from "../format.js";
import { personal } from "../later.js";
import { deleteRating, DIMENSIONS, listMyRatings, rate, scores } from "../ratings/calls.js";
import { keeping } from "../ratings/keeping.js";
import { number, starField } from "../ratings/stars.js";
import { attempts } from "../attempt.js";
import { link, recall, remember } from "../router.js";

const PAGE = 20;
const PAUSE_MS = 350;
const ORDERS = { "": "Latest first", oldest: "Earliest first", highest: "Best first", lowest: "Worst first", title: "By title", year: "By year" };
const NAMES = ["order_by", "genre", "rating_min", "rating_max", "year_min", "year_max", "query"];
const STARS = ["", ...Array.from({ length: 10 }, (_, i) => String((10 - i) / 2))];

/** One rating: stars that change it, and the way to take it back. */
function row(rating, shift) {
  const film = cardOf(rating);
  const li = h("li.line.rated-film", { "data-id": rating.rating_id });
  const others = h("p.quiet.small");
  const show = (now) => {
    stars.set(now.overall);
    refill(others, Object.entries(DIMENSIONS).filter(([name]) => name !== "overall" && now[name] !== undefined).map(([name, label]) => `${label} ${number(now[name])}`).join(" · "));
  };
  const stars = starField("overall", "Your rating", {
    value: rating.overall, about: ` of ${film.title}`, clear: "Take back",
    onchange: (value) => (value === undefined ? away() : mine.wish({ ...mine.scores, overall: value })),
  });
  const mine = keeping(rating.movie_id, rating, { show });

  async function away() {
    const gone = mine.rating;
    try {
      await deleteRating(gone.rating_id, gone.etag);
    } catch (error) {
      if (error.kind !== "missing") {
        stars.set(gone.overall);
        return refill(mine.line, h("span.form-error", "Not taken back. ", explain(error)));
      }
    }
    const once = attempts();
    const line = leaveBehind(li, `Your rating of ${film.title} is taken back.`, {
      undo: async () => row({ ...await once({ movie_id: gone.movie_id, ...scores(gone) }, rate), movie: gone.movie }, shift),
      done: () => shift(1),
      failed: (error) => `It is not back. ${explain(error)}`,
    });
    shift(-1);
    return line;
  }
  refill(li, filmLine(film, h("p.quiet.small", `rated ${date(rating.updated_at)}`), others), h("div.rated-stars", stars.node, mine.line));
  show(scores(rating));
  return li;
}

const select = (name, label, options, value) => {
  const id = freshId();
  const known = options.some(([one]) => one === value) ? options : [...options, [value, value]];
  const control = h("select", { id, name }, known.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));
  return { name, control, node: h("div.field", h("label", { for: id }, label), control), get value() { return control.value; } };
};
const year = (name, label, value) => {
  const id = freshId();
  const control = h("input.year", { type: "number", id, name, min: "1870", max: "2200", inputmode: "numeric", value });
  return { name, control, node: h("div.field", h("label", { for: id }, label), control), get value() { return control.value; } };
};

/** The controls; `changed()` is called when something was chosen. */
async function chooser(chosen, changed, signal) {
  const { genres = [] } = await listGenres(signal).catch(() => ({}));
  const starsList = STARS.map((one) => [one, one ? `${one} ★` : "any"]);
  const words = field("query", "Title", { type: "search", maxlength: "200" });
  words.input.value = chosen.query;
  const parts = [
    select("order_by", "Order", Object.entries(ORDERS), chosen.order_by),
    select("genre", "Genre", [["", "any"], ...genres.map(({ value }) => [value, value])], chosen.genre),
    select("rating_min", "Stars from", starsList, chosen.rating_min), select("rating_max", "Stars up to", starsList, chosen.rating_max),
    year("year_min", "Years from", chosen.year_min), year("year_max", "Years up to", chosen.year_max),
  ];
  const later = debounce(PAUSE_MS, changed);
  words.node.className = "field";
  for (const { control } of parts) control.addEventListener(control.type === "number" ? "input" : "change", control.type === "number" ? later : changed);
  words.input.addEventListener("input", later);
  return {
    node: h("form.choosers", { role: "search", "aria-label": "Your ratings", onsubmit: (event) => { event.preventDefault(); changed(); } }, parts.map((one) => one.node), words.node),
    get values() { return Object.fromEntries([...parts, words].map((one) => [one.name, one.value.trim()])); },
  };
}

export function ratings(place) {
  const { signal } = place;
  const chosen = Object.fromEntries(NAMES.map((name) => [name, place.query.get(name) ?? ""]));
  return personal(place, "Ratings", async () => {
    const box = h("div");
    let turn = 0;
    let values = chosen;

    async function start(pages) {
      turn += 1;
      const mine = turn;
      const narrowed = NAMES.some((name) => name !== "order_by" && values[name]);
      const list = growing(h("ul.lines", { role: "list", "aria-label": "Your ratings" }), {
        noun: "rating",
        load: (token) => listMyRatings({ ...values, page_size: PAGE, page_token: token }, signal),
        rows: ({ ratings: some = [] }) => some.map((one) => row(one, (by) => list.shift(by))),
        empty: () => (narrowed ? notice("Nothing matches", "No rating of yours is like that.", [[link("ratings"), "All your ratings"]])
          : notice("No ratings yet", "Rate films on their pages. Ratings kept elsewhere can be brought along.", [["#/search", "Browse films"], ["#/import", "Import"]])),
        onpages: (n) => remember({ pages: n }),
      });
      box.classList.add("waiting");
      try {
        await list.start(pages);
        if (mine === turn) box.replaceChildren(list.node);
      } catch (error) {
        if (mine === turn && !signal.aborted) box.replaceChildren(failureNotice(error, () => start(1)));
      }
      if (mine === turn) box.classList.remove("waiting");
    }
    const how = await chooser(chosen, () => {
      values = how.values;
      // what is chosen is in the address, so that it can be kept and gone back to; the page stays as it is
      history.replaceState({ ...history.state, pages: 1, y: 0 }, "", link("ratings", values));
      start(1);
    }, signal);
    await start(recall("pages") ?? 1);
    return [how.node, box];
  });
}
