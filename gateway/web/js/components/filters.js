// The filters beside a list of films: genre, decade, streaming service. Each value is a link to the address with it or without it.

import { h, items, section } from "../dom.js";
import { count } from "../format.js";
import { link } from "../router.js";

/**
 * The panel. `show(params, facets, error)` draws the values with their counts (without facets, those last known) and puts what the
 * gateway said about a filter beside it; it tells whether there was such a thing.
 */
export function filterPanel() {
  const summary = h("summary", "Filters");
  const inside = h("div.filters-in");
  const node = h("details.filters", summary, inside);
  node.open = matchMedia("(min-width: 60rem)").matches;
  let seen = {};

  function show(params, facets, error) {
    if (facets?.length) seen = Object.fromEntries(facets.map((facet) => [facet.name, facet.values]));
    const way = (name, label, number, on, changes) => h(`a.${name}`, { href: link("search", { ...params, ...changes }), "aria-current": on && "true" }, h("span", label), number > 0 && h("span.tick-count", count(number)));

    function many(name) {
      const chosen = params[name] ?? [];
      const values = seen[name] ?? [];
      // what is chosen but not counted must still be there to be taken away
      const all = [...chosen.filter((value) => !values.some((one) => one.value === value)).map((value) => ({ value })), ...values];
      return all.map(({ value, count: number }) => {
        const on = chosen.includes(value);
        return way("tick", value, number, on, { [name]: on ? chosen.filter((one) => one !== value) : [...chosen, value] });
      });
    }
    const decades = (seen.decade ?? []).map((one) => parseInt(one.value, 10)).filter(Boolean).sort((a, b) => a - b).map((year) => {
      const on = Number(params.year_min) === year && Number(params.year_max) === year + 9;
      return way("decade", `${year}s`, 0, on, on ? { year_min: "", year_max: "" } : { year_min: year, year_max: year + 9 });
    });
    const parts = [["Genre", many("genre"), ["genre"]], ["Years", decades, ["year_min", "year_max"]], ["On", many("service"), ["service"]]].map(([title, values, fields]) => {
      const said = fields.flatMap((field) => error?.about?.(field) ?? []);
      return (values.length || said.length) && section("section.filter", title, said.map((one) => h("p.field-error", { role: "alert" }, one.description)), items("ul.ticks", values));
    });

    const label = document.activeElement?.firstChild?.textContent;
    const focused = inside.contains(document.activeElement);
    const number = (params.genre?.length ?? 0) + (params.service?.length ?? 0) + (params.year_min || params.year_max ? 1 : 0);
    summary.textContent = number ? `Filters (${number})` : "Filters";
    inside.replaceChildren(...parts.filter(Boolean));
    if (focused) [...inside.querySelectorAll("a")].find((one) => one.firstChild.textContent === label)?.focus();
    const placed = Boolean(node.querySelector(".field-error"));
    if (placed) node.open = true;
    return placed;
  }

  return { node, show };
}
