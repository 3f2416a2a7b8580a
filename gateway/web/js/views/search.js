// Search and browse: every filter is in the address, so that it can be gone back to, kept and sent on.

import { searchMovies } from "../api.js";
import { filterPanel } from "../components/filters.js";
import { growingGrid, skeletons } from "../components/films.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h } from "../dom.js";
import { plural } from "../format.js";
import { go, link, recall, remember } from "../router.js";

const MANY = ["genre", "service"];
const ONE = ["query", "cast", "director", "keyword", "year_min", "year_max", "order_by"];
const SAID = { cast: "with", director: "by", keyword: "about" };
const ORDERS = { "": "Best match", popularity: "Most popular", rating: "Best rated", newest: "Newest", oldest: "Oldest", title: "Title" };

function asked(query) {
  const params = Object.fromEntries(ONE.map((name) => [name, query.get(name)]).filter(([, value]) => value));
  for (const name of MANY) if (query.has(name)) params[name] = query.getAll(name);
  return params;
}

/** The filters in force, as [the address without it, label]. */
function inForce(params) {
  const without = (changes) => link("search", { ...params, ...changes });
  const { year_min: from, year_max: to } = params;
  const found = MANY.flatMap((name) => (params[name] ?? []).map((value) => [without({ [name]: params[name].filter((one) => one !== value) }), value]));
  for (const [name, word] of Object.entries(SAID)) if (params[name]) found.push([without({ [name]: "" }), `${word} ${params[name]}`]);
  if (from || to) {
    const label = from === to ? from : from % 10 === 0 && to - from === 9 ? `${from}s` : `${from ?? ""}–${to ?? ""}`;
    found.push([without({ year_min: "", year_max: "" }), label]);
  }
  return found;
}

function headline(params) {
  const filters = inForce(params);
  if (params.query) return `“${params.query}”`;
  return filters.length === 1 ? `Films: ${filters[0][1]}` : "Browse films";
}

function nothing(params) {
  const filters = inForce(params);
  const words = params.query?.split(/\s+/).filter((word) => word.length > 2) ?? [];
  const fewer = words.length > 1 ? words.slice(0, 3).map((word) => [link("search", { ...params, query: word }), `Only “${word}”`]) : [];
  return notice("No film matches",
    filters.length ? "Every filter narrows the list; one of these may be too much." : "Try fewer words, a surname, a year, or what the film is about.",
    [...filters.slice(0, 5).map(([address, label]) => [address, `Without ${label}`]), ...fewer, ["#/search", "All films"]]);
}

export function search(place) {
  let params = {};
  const to = (changes) => go(link("search", { ...params, ...changes }));
  const title = h("h1");
  const line = h("p.quiet.found");
  const force = h("ul.chips.force", { role: "list", "aria-label": "Filters in force" });
  const order = h("select", { id: "order", onchange: () => to({ order_by: order.value }) }, Object.entries(ORDERS).map(([value, text]) => h("option", { value }, text)));
  const box = h("div.results");
  const panel = filterPanel();
  const node = h("div.page.browse",
    h("div.page-head", h("div", title, line), h("div.field", h("label", { for: "order" }, "Order"), order)), panel.node, h("div.browse-main", force, box));

  async function fill(signal) {
    box.replaceChildren(skeletons());
    try {
      // a page token is good for the very query it came from, facets included
      const load = (token) => searchMovies({ ...params, facets: true, page_size: 24, page_token: token }, signal);
      const first = await growingGrid(box, load, recall("pages"), (pages) => remember({ pages }));
      const number = plural(first.total_size || first.movies.length, "film");
      panel.show(params, first.facets);
      line.textContent = first.fuzzy ? `${number}: nothing is spelled exactly like that, these come close` : number;
      if (!first.movies.length) box.replaceChildren(nothing(params));
      announce(`${number} found`);
    } catch (error) {
      if (signal.aborted) return;
      line.textContent = "";
      box.replaceChildren(panel.show(params, [], error)
        ? notice("A filter was not accepted", "What is wrong stands beside the filter. Without it, the list comes back.", inForce(params).map(([address, label]) => [address, `Without ${label}`]))
        : failureNotice(error));
    }
  }

  function update({ query, signal }) {
    params = asked(query);
    const filters = inForce(params);
    title.textContent = headline(params);
    order.options[0].textContent = params.query ? ORDERS[""] : "Usual order";
    order.value = params.order_by ?? "";
    force.replaceChildren(...filters.map(([href, label]) => h("li", h("a.chip.on", { href, "aria-label": `Remove ${label}` }, label, h("span.chip-off", { "aria-hidden": "true" }, "×")))));
    if (filters.length > 1) force.append(h("li", h("a.clear", { href: link("search", { query: params.query }) }, "Clear all")));
    force.hidden = !filters.length;
    panel.show(params);
    return { title: title.textContent, ready: fill(signal) };
  }

  return { node, update, ...update(place) };
}
