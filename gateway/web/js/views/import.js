// Bringing a history in from elsewhere, and taking one's own along.

import { download } from "../account/secondfactor.js";
import { attempts } from "../attempt.js";
import { doing, field, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { failureNotice } from "../components/notice.js";
import { h, section } from "../dom.js";
import { count, date, percent, plural } from "../format.js";
import { exportHistory, listImports, uploadImport } from "../imports/calls.js";
import { oneImport, progress } from "../imports/oneimport.js";
import { SOURCES, STATES } from "../imports/words.js";
import { personal } from "../later.js";
import { go, link } from "../router.js";
import { lost } from "./lost.js";

const MOST_BYTES = 50 * 1024 * 1024;
const FORMATS = [["json", "JSON, all of it"], ["csv", "CSV, ratings and diary"], ["letterboxd", "CSV for Letterboxd"]];

// Choosing a file, and sending it.
function upload(signal) {
  const once = attempts();
  const file = field("file", "File", { type: "file", accept: ".zip,.csv,.json,application/zip,text/csv,application/json", hint: "A Letterboxd export (ZIP), ratings from IMDb (CSV), a Trakt backup (JSON), or your own file from here. At most 50 MB." });
  const source = field("source", "Where it is from", { control: h("select", h("option", { value: "" }, "Find out from the file"), Object.entries(SOURCES).map(([value, label]) => h("option", { value }, label))) });
  const going = h("div");
  const made = form({
    label: "Import a file", fields: [file, source], need: ["file"], rename: { file_name: "file" }, button: "Send it",
    async send(values) {
      const [chosen] = file.input.files;
      if (chosen.size > MOST_BYTES) return void file.refuse([{ description: `The file has ${count(Math.ceil(chosen.size / 1024 / 1024))} MB, and 50 are the most.` }]);
      const bar = progress("Sending the file");
      going.replaceChildren(bar.node);
      bar.show(0, "");
      try {
        const named = { source: values.source, file_name: chosen.name.slice(0, 255), size: chosen.size, changed: chosen.lastModified };
        const found = await once(named, ({ request_id, source: from, file_name }) => uploadImport(chosen, { source: from, file_name, request_id },
          (share) => bar.show(share, share < 1 ? percent(share) : "Sent. It is being read …"), signal));
        go(link(`import/${found.import_id}`));
      } finally {
        going.replaceChildren();
      }
      return undefined;
    },
  });
  made.node.addEventListener("dragover", (event) => event.preventDefault());
  made.node.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) file.input.files = event.dataTransfer.files;
  });
  return section("section", "Bring it here", h("p.quiet", "The file is read first, and you are shown what would come of it. Nothing changes before you say so, and all of it can be undone in one step."), made.node, going);
}

const entry = (one) => h("li", h("div.item", h("div",
  h("a.line-title", { href: link(`import/${one.import_id}`) }, one.file_name || `From ${SOURCES[one.source] ?? one.source}`), " ", h("span.tag.here", STATES[one.state] ?? one.state),
  h("p.quiet.small", `${SOURCES[one.source] ?? one.source} · ${date(one.created_at)} · ${plural(one.rows_total, "row")}${one.rows_applied ? `, ${count(one.rows_applied)} imported` : ""}`))));

async function index({ signal }) {
  const failure = h("div");
  const earlier = growing(h("ul.items", { role: "list", "aria-label": "Earlier imports" }), {
    load: (token) => listImports({ page_token: token }, signal), rows: (page) => (page.imports ?? []).map(entry), noun: "import", empty: () => h("p.quiet", "None yet."),
  });
  await earlier.start().catch((error) => { if (!signal.aborted) failure.replaceChildren(failureNotice(error)); });
  return h("div.account", upload(signal), section("section", "Earlier imports", failure, earlier.node),
    section("section", "Take it along", h("p.quiet", "Your ratings, diary and reviews as a file. The watchlist and lists have theirs ", h("a", { href: link("watchlist") }, "on their page"), "."),
      h("p.form-go", FORMATS.map(([format, label]) => doing(label, async () => {
        download(`cineaesthete-history${format === "letterboxd" ? "-letterboxd" : ""}.${format === "json" ? "json" : "csv"}`, await exportHistory(format));
        return "The file is there";
      }, { label: `Download your history as ${label}` })))));
}

export function imports(place) {
  const [, id] = place.parts;
  if (place.parts.length > 2) return lost();
  const shown = personal(place, "Import", () => (id ? oneImport(id, { ...place, heading: shown.node.querySelector("h1") }) : index(place)));
  return { ...shown, ready: shown.ready.then(() => (id ? shown.node.querySelector("h1").textContent : "")) };
}
