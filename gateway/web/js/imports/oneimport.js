// One import: how far it is, what it would do, and what it did.

import { confirming } from "../components/confirm.js";
import { doing } from "../components/forms.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h, refill, section } from "../dom.js";
import { count, date, plural } from "../format.js";
import { link } from "../router.js";
import { confirmImport, follow, getImport, RESTS, rollbackImport } from "./calls.js";
import { importRows } from "./rows.js";
import { SOURCES, STATES } from "./words.js";

const GOING = { matching: "Reading the file and looking for its films", applying: "Importing", rolling_back: "Undoing" };

/** A bar and words that say how far something is. */
export function progress(label) {
  const bar = h("progress", { max: "1", "aria-label": label });
  const words = h("p.quiet");
  return {
    node: h("div.progress", h("p", h("strong", label)), bar, words),
    show(share, text) {
      if (share === null) bar.removeAttribute("value");
      else bar.value = share;
      words.textContent = text;
    },
  };
}

function ready(found, act) {
  const unsettled = found.rows_ambiguous + found.rows_unknown;
  const text = unsettled ? `Import ${plural(found.rows_matched, "row")}, leave ${count(unsettled)} out` : `Import ${plural(found.rows_matched, "row")}`;
  return section("section", "Nothing is changed yet",
    h("p", [`${plural(found.rows_total, "row")}: ${count(found.rows_matched)} found`, found.rows_ambiguous && `${count(found.rows_ambiguous)} may be several films`, found.rows_unknown && `${count(found.rows_unknown)} not found`,
      found.rows_invalid && `${count(found.rows_invalid)} unreadable`, found.rows_unchanged && `${count(found.rows_unchanged)} here already`].filter(Boolean).join(", "), "."),
    unsettled > 0 && h("p.quiet", "Choose below what the unsettled ones mean, or leave them out."),
    found.rows_matched > 0 ? h("p.form-go", doing(text, act, { kind: "primary" })) : h("p.quiet", "There is nothing to import."),
    h("p.quiet.small", `It waits until ${date(found.expires_at)}.`));
}

function done(found, undo) {
  return section("section", found.state === "done" ? "It is here" : "It stopped",
    found.error && h("p.form-error", found.error),
    h("p", `${count(found.rows_applied)} of ${plural(found.rows_total, "row")} imported. `, h("a", { href: link("ratings") }, "Your ratings"), ", ", h("a", { href: link("diary") }, "diary"), ", ", h("a", { href: link("watchlist") }, "watchlist"), ", ", h("a", { href: link("lists") }, "lists"), "."),
    h("p.form-go", confirming("Undo the import", "What it added goes, what it replaced comes back, what you changed since stays.", "Undo it", undo)),
    h("p.quiet.small", `It can be undone until ${date(found.expires_at)}.`));
}

export async function oneImport(id, place) {
  const { signal } = place;
  const state = h("div.import-state");
  const rows = h("div");
  const box = h("div", state, rows);
  let found = await getImport(id, signal).catch((error) => {
    if (error.kind !== "missing") throw error;
    return null;
  });
  if (!found) return notice("There is no such import", "It may have been long ago: imports are kept for some time only.", [[link("import"), "Imports"]], "alert");
  place.heading.textContent = found.file_name || `Import from ${SOURCES[found.source] ?? found.source}`;

  async function drawRows() {
    if (!found.rows_total || !RESTS.has(found.state)) return rows.replaceChildren();
    const shown = importRows(found, found.state === "ready", async () => {
      found = await getImport(id, signal);
      drawState();
      return found;
    }, signal);
    refill(rows, section("section.import-rows", "Row by row", shown.node));
    return shown.ready;
  }
  function drawState() {
    const part = state.contains(document.activeElement);
    const facts = h("p.quiet", `From ${SOURCES[found.source] ?? found.source}, ${date(found.created_at)}: ${STATES[found.state] ?? found.state}.`);
    if (found.state === "ready") refill(state, facts, ready(found, start(confirmImport)));
    else if (found.state === "done" || (found.state === "failed" && found.rows_applied)) refill(state, facts, done(found, start(rollbackImport)));
    else if (found.state === "failed") refill(state, facts, notice("It failed", found.error || "Nothing was changed.", [[link("import"), "Try with another file"]], "alert"));
    else if (found.state === "rolled_back") refill(state, facts, notice("It is undone", "What it had added is gone, and what it had replaced is back.", [[link("import"), "Imports"]], "status"));
    if (part) {
      const heading = state.querySelector("h2");
      heading?.setAttribute("tabindex", "-1");
      heading?.focus();
    }
  }
  /** Does something that takes a while, and follows it. */
  const start = (act) => async () => {
    found = await act(id, found.rows_ambiguous + found.rows_unknown > 0);
    await watch();
  };
  async function watch() {
    if (!RESTS.has(found.state)) {
      const bar = progress(GOING[found.state] ?? "Going on");
      rows.replaceChildren();
      refill(state, bar.node);
      announce(GOING[found.state] ?? "");
      bar.show(null, "");
      try {
        await follow(id, ({ rows_done: gone, rows_total: whole }) => bar.show(whole ? gone / whole : null, whole ? `${count(gone)} of ${plural(whole, "row")}` : ""), signal);
        found = await getImport(id, signal);
      } catch (error) {
        if (!signal.aborted) refill(state, failureNotice(error, watch), h("p.quiet", "It goes on without this page."));
        return;
      }
      if (signal.aborted) return;
      announce(`The import is ${STATES[found.state] ?? found.state}`);
    }
    drawState();
    await drawRows();
  }
  if (RESTS.has(found.state)) await watch();
  else watch(); // the page is there while it goes on
  return box;
}
