// Lists that everyone knows, and how much of each one has seen.

import { tile } from "../components/films.js";
import { growing } from "../components/growing.js";
import { failureNotice, notice } from "../components/notice.js";
import { h, items, refill } from "../dom.js";
import { count, percent, plural } from "../format.js";
import { link, recall, remember } from "../router.js";
import { known } from "../session.js";
import { getCanon, listCanon } from "../watchlist.js";
import { lost, WAYS } from "./lost.js";

const PAGE = 36;

const progress = (list) => h("p.seen-of", h("strong", `${count(list.seen_count)} of ${count(list.item_count)} seen`),
  h("span.meter", { "aria-hidden": "true", style: { "--share": percent(list.seen_count / Math.max(1, list.item_count)) } }));

const howMany = (list, person) => (person ? progress(list) : h("p.quiet", plural(list.item_count, "film")));

// What is said about oneself goes when one signs out.
const about = (node, person) => { if (person) node.dataset.personal = ""; };

const invitation = (person, back) => !person && h("p.quiet", h("a", { href: link("signin", { next: back }) }, "Sign in"), " to see how many of them you have seen.");

function all(place) {
  const node = h("div.page.waiting", h("h1", "Canon"));
  async function fill() {
    const person = await known();
    const { lists = [] } = await listCanon(place.signal);
    about(node, person);
    refill(node, h("div.page-head", h("div", h("h1", "Canon"), h("p.quiet", "What juries and archives have chosen over the years."))), invitation(person, "canon"),
      items("ul.canons", lists.map((list) => [h("h2", h("a", { href: link(`canon/${list.canon_id}`) }, list.name)), h("p.quiet", list.description), howMany(list, person)])));
  }
  return { node, fill };
}

// A film that the catalogue lacks keeps its place.
const absent = (item) => h("li.tile.absent", h("span.tile-title", item.title), h("span.tile-facts", item.year > 0 && h("span", item.year)), h("p.tile-note", [item.note, "not in the catalogue"].filter(Boolean).join(" · ")));

function entry(item) {
  if (!item.movie_id) return absent(item);
  const made = tile(item.movie ?? { movie_id: item.movie_id, title: item.title, year: item.year, genres: [], directors: [] },
    h("p.tile-note", item.note, item.note && item.seen && " · ", item.seen && h("span.seen-mark", "seen")));
  if (item.seen) made.classList.add("seen");
  return made;
}

function one(place, id) {
  const node = h("div.page.waiting", h("h1", "Canon"));
  async function fill() {
    const person = await known();
    about(node, person);
    let list = null;
    const grown = growing(h("ol.grid", { role: "list" }), {
      async load(token) {
        const page = await getCanon(id, { page_size: PAGE, page_token: token }, place.signal);
        list ??= page;
        return page;
      },
      rows: (page) => (page.items ?? []).map(entry), noun: "film", total: () => list.item_count + list.absent_count, onpages: (pages) => remember({ pages }),
    });
    await grown.start(recall("pages"));
    refill(node, h("div.page-head", h("div", h("h1", list.name), h("p.quiet", list.description))),
      howMany(list, person), list.absent_count > 0 && h("p.quiet.small", `${plural(list.absent_count, "more film")} that the catalogue lacks ${list.absent_count === 1 ? "stands" : "stand"} in the list all the same.`),
      invitation(person, `canon/${id}`), grown.node, h("p.form-go", h("a", { href: link("canon") }, "All of these lists")));
    return list.name;
  }
  return { node, fill };
}

export function canon(place) {
  if (place.parts.length > 2) return lost();
  const id = place.parts[1];
  const { node, fill } = id ? one(place, id) : all(place);
  const ready = fill().catch((error) => {
    if (place.signal.aborted) return;
    if (error.kind !== "missing") refill(node, h("h1", "Canon"), failureNotice(error));
    else refill(node, h("h1", "No such list"), notice("There is no list of that name", "A letter may be wrong.", [[link("canon"), "All of these lists"], ...WAYS], "alert"));
  }).finally(() => node.classList.remove("waiting"));
  return { title: "Canon", node, ready };
}
