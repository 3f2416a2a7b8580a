// Why a film was picked, in full: the parts that its score is the sum of, one's own films behind it, and what each signal knew.

import { doing } from "../components/forms.js";
import { explain } from "../components/notice.js";
import { h, items, refill } from "../dom.js";
import { count, percent, time } from "../format.js";
import { link } from "../router.js";
import { explainPick } from "./calls.js";
import { PARTS } from "./words.js";

const SMALL = 0.0005; // less is no share
const signed = (share) => `${share < 0 ? "−" : "+"}${(Math.abs(share) * 100).toFixed(1)}`;
const rated = (film) => (film.overall > 0 ? ` (you rated it ${film.overall})` : "");

function shares(components) {
  const rows = Object.entries(PARTS).map(([name, label]) => [label, components?.[name] ?? 0]).filter(([, share]) => Math.abs(share) > SMALL);
  const most = Math.max(...rows.map(([, share]) => Math.abs(share)));
  return items("ul.shares", rows.map(([label, share]) => [h("span", label),
    h(share < 0 ? "span.share-bar.against" : "span.share-bar", { "aria-hidden": "true", style: { "--share": percent(Math.abs(share) / most) } }), h("span.share-number", signed(share))]), "Parts of the match, in percent");
}

const because = (films) => items("ul.because", films.map((film) => [
  h("a", { href: link(`film/${film.movie_id}`) }, film.title), `${rated(film)}: without it, the match would be ${(film.share * 100).toFixed(1)} lower`]));

const COLUMNS = [
  ["Weight", (one) => percent(one.weight)],
  ["Its own score", (one) => percent(one.score)],
  ["Its place for the film", (one) => one.rank ? count(one.rank) : ""],
  ["Your films behind it", (one) => (one.because ?? []).map((film) => film.title).join(", ")],
];

function signals(list) {
  const told = COLUMNS.filter(([, cell]) => list.some(cell)); // a column that says nothing only takes room
  return h("details.aside", h("summary", "What each signal knew"),
    h("div.table-frame", { role: "region", "aria-label": "What each signal knew", tabindex: "0" }, h("table",
      h("thead", h("tr", ["Signal", ...told.map(([name]) => name)].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", list.map((one) => h("tr", h("th", { scope: "row" }, one.signal), told.map(([, cell]) => h("td", cell(one) || "–"))))))));
}

function content(answer) {
  const [film] = answer.recommendations ?? [];
  if (!film) return h("p.quiet", "The answer does not know this film any more.");
  const own = film.explanation?.because ?? [];
  const moved = film.rank_by_score && film.rank_by_score !== film.rank;
  return [
    h("p", `A match of ${(film.score * 100).toFixed(1)} percent is the sum of:`), shares(film.components),
    own.length > 0 && [h("p", "Your own films that speak for it most:"), because(own)],
    moved && h("p", `By the match alone it would be number ${count(film.rank_by_score)}; it stands at ${count(film.rank)} so that the films you see are not all alike.`),
    film.signals?.length > 0 && signals(film.signals),
    h("p.quiet.small", [`Model ${answer.model}`, answer.profile && `weights: ${answer.profile}`, answer.experiment_id && `experiment ${answer.experiment_id}, variant ${answer.variant}`, time(answer.created_at)].filter(Boolean).join(" · ")),
  ];
}

/** The part that opens: `answer` is the id of the answer that `film` was shown in. */
export function whyPanel(film, answer) {
  const inside = h("div.why-in");
  const box = h("details.aside.why", h("summary", { "aria-label": `Why: ${film.title}` }, "Why?"), inside);
  async function fill() {
    refill(inside, h("p.quiet", "Looking …"));
    try {
      refill(inside, content(await explainPick(answer, film.movie_id)));
      inside.dataset.filled = "";
    } catch (error) {
      const gone = error.kind === "missing";
      refill(inside, h("p.form-error", { role: "alert" }, gone ? "This answer is not kept any more: load the page again." : explain(error)), !gone && doing("Try again", fill));
    }
  }
  box.addEventListener("toggle", () => { if (box.open && inside.dataset.filled === undefined) fill(); });
  return box;
}
