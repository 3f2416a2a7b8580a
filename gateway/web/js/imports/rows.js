// The rows of an import: what each means, and for those that are not settled, the choice.

import { redraw } from "../components/filmline.js";
import { finder } from "../components/finder.js";
import { doing } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { failureNotice } from "../components/notice.js";
import { announce, h, refill, unseen } from "../dom.js";
import { count, date } from "../format.js";
import { link } from "../router.js";
import { listRows, resolveRow } from "./calls.js";
import { KINDS, OUTCOMES, tally } from "./words.js";

const PAGE = 50;
const UNSETTLED = new Set(["ambiguous", "unknown"]);

const says = (row) => [KINDS[row.kind] ?? row.kind, row.overall !== undefined && row.overall !== null && `${row.overall} of 5`, row.watched_on && `watched ${date(`${row.watched_on}T12:00:00`)}`].filter(Boolean).join(" · ");

const titled = (film) => `${film.title}${film.year ? ` (${film.year})` : ""}`;

/** The choice of a row: films it may mean, another one, or to leave it out. */
function choice(row, settle) {
  const candidates = row.candidates ?? [];
  const other = h("details.aside", h("summary", { "data-part": "other" }, candidates.length || row.movie_id ? "Another film" : "Find the film"));
  other.addEventListener("toggle", () => {
    if (!other.open || other.querySelector(".finder")) return;
    const found = finder({ label: "Title", verb: "Choose", choose: (film) => settle(film.movie_id, film.title) });
    found.input.value = row.title;
    other.append(found.node);
  });
  return [
    candidates.length > 0 && row.outcome !== "matched" && h("div.row-choice", { role: "group", "aria-label": `Films that “${row.title}” may be` }, candidates.map((film) =>
      doing(titled(film), () => settle(film.movie_id, film.title), { label: `${titled(row)} is ${titled(film)}` }))),
    h("div.row-choice", other, row.outcome !== "skipped" && doing("Leave it out", () => settle(0), { label: `Leave ${titled(row)} out`, kind: "small.mild" })),
  ];
}

function content(row, settle) {
  return [
    h("span.row-number", unseen("row "), count(row.row_number)),
    h("div.line-words", h("span", h("strong", row.title || "–"), row.year > 0 && ` (${row.year})`),
      h("p.quiet.small", [says(row), row.file_name].filter(Boolean).join(" · ")),
      row.problem && h("p.form-error", row.problem), settle && row.outcome !== "invalid" && choice(row, settle)),
    h("div.row-outcome", h("span.tag.here", row.applied ? "Imported" : OUTCOMES[row.outcome] ?? row.outcome),
      row.movie_id > 0 && h("a", { href: link(`film/${row.movie_id}`) }, "the film")),
  ];
}

/**
 * The rows, by outcome. `open`: whether they can be settled still; `settled()` hears that one was and gives the import as it is then.
 */
export function importRows(found, open, settled, signal) {
  const shown = { outcome: "" };
  const holder = h("ol.lines", { role: "list", "aria-label": "Rows" });
  const failure = h("div");
  const tabs = h("div.row-tabs", { role: "group", "aria-label": "Rows to show" });
  const lines = new Map();

  function line(row) {
    const li = h("li.line.row-line");
    const settle = open && (async (film, title) => {
      const answer = await resolveRow(found.import_id, row.row_number, film);
      Object.assign(row, answer.row);
      redraw(li, ...content(row, settle));
      announce(film ? `It is ${title}` : "Left out");
      li.querySelector("a, summary")?.focus({ preventScroll: true });
      found = await settled();
      drawTabs();
      await others(row);
    });
    refill(li, content(row, settle));
    lines.set(row.row_number, { row, redraw: (next) => { Object.assign(row, next); redraw(li, ...content(row, settle)); } });
    return li;
  }
  /** Rows that say the same of their film were settled along with it; they are asked for only where there may be some. */
  async function others({ row_number: number, title, year }) {
    const alike = ({ row }) => row.row_number !== number && row.title === title && row.year === year && UNSETTLED.has(row.outcome);
    if (![...lines.values()].some(alike)) return;
    const pages = Math.ceil(lines.size / PAGE);
    let token = "";
    for (let i = 0; i < pages; i += 1) {
      const page = await listRows(found.import_id, { page_size: PAGE, page_token: token }, signal);
      for (const row of page.rows ?? []) {
        const there = lines.get(row.row_number);
        if (there && there.row.outcome !== row.outcome) there.redraw(row);
      }
      token = page.next_page_token;
      if (!token) return;
    }
  }
  const grown = growing(holder, {
    load: (token) => listRows(found.import_id, { outcome: shown.outcome, page_size: PAGE, page_token: token }, signal),
    rows: (page) => (page.rows ?? []).map(line), noun: "row", empty: () => h("p.quiet", "No such row."),
  });
  async function start() {
    lines.clear();
    failure.replaceChildren();
    await grown.start().catch((error) => { if (!signal.aborted) failure.replaceChildren(failureNotice(error, start)); });
  }
  function drawTabs() {
    const at = tabs.contains(document.activeElement) && document.activeElement.value;
    const known = [["", "All", found.rows_total], ...Object.entries(OUTCOMES).map(([name, label]) => [name, label, tally(found, name)])].filter(([name, , number]) => number > 0 || name === shown.outcome);
    refill(tabs, known.map(([name, label, number]) => h(name === shown.outcome ? "button.chip.on" : "button.chip", {
      type: "button", value: name, "aria-pressed": String(name === shown.outcome),
      async onclick() {
        shown.outcome = name;
        drawTabs();
        await start();
      },
    }, label, " ", h("span.row-count", count(number)))));
    if (at !== false) [...tabs.children].find((one) => one.value === at)?.focus();
  }
  // what waits for a choice is shown first
  if (open) shown.outcome = ["ambiguous", "unknown"].find((name) => tally(found, name) > 0) ?? "";
  drawTabs();
  return { node: h("div", tabs, failure, grown.node), ready: start() };
}
