// What everybody here thinks of a film: the mean, how the ratings are spread, and the five dimensions.

import { h, items, refill, section, unseen } from "../dom.js";
import { count, percent, plural } from "../format.js";
import { DIMENSIONS } from "./calls.js";
import { number } from "./stars.js";

const HALVES = 11;

/** Bars of how ratings are spread, a table for people who listen; `histogram`: numbers of ratings of 0, 0.5, … 5. */
export function spread(histogram, caption) {
  const most = Math.max(1, ...histogram);
  const steps = Array.from({ length: HALVES }, (_, i) => i / 2);
  return h("figure.spread",
    h("div.spread-bars", { "aria-hidden": "true" }, steps.map((stars) => h("span.spread-bar", { title: `${number(stars)}: ${count(histogram[stars * 2])}`, style: { "--share": percent((histogram[stars * 2] ?? 0) / most) } }))),
    h("div.spread-ends", { "aria-hidden": "true" }, h("span", "0"), h("span", "5 ★")),
    h("table.hidden", h("caption", caption), h("thead", h("tr", h("th", { scope: "col" }, "Stars"), h("th", { scope: "col" }, "Ratings"))),
      h("tbody", steps.map((stars) => h("tr", h("th", { scope: "row" }, number(stars)), h("td", count(histogram[stars * 2])))))));
}

const changed = (histogram, stars, by) => histogram.map((one, i) => (i === stars * 2 ? Math.max(0, one + by) : one));

/** A dimension with a rating put in place of another one; undefined for none. */
function adjusted(dimension, before, after) {
  let { histogram } = dimension;
  if (before !== undefined) histogram = changed(histogram, before, -1);
  if (after !== undefined) histogram = changed(histogram, after, 1);
  const total = histogram.reduce((sum, one) => sum + one, 0);
  return { ...dimension, histogram, count: total, mean: total ? histogram.reduce((sum, one, i) => sum + (one * i) / 2, 0) / total : 0 };
}

/** The section. `adjust(before, after)` counts one's own rating anew without asking the server. */
export function ratingSummary(summary) {
  let dimensions = summary.dimensions ?? [];
  const box = h("div.summary");
  const node = section("section.ratings-here", "Ratings here", box);

  function draw() {
    const overall = dimensions.find(({ dimension }) => dimension === "overall");
    const others = dimensions.filter((one) => one !== overall && one.count > 0);
    if (!overall?.count) return refill(box, h("p.quiet", "Nobody here has rated it yet."));
    const facts = [plural(overall.count, "rating"), summary.review_count > 0 && plural(summary.review_count, "review"), summary.watch_count > 0 && `watched ${plural(summary.watch_count, "time")}`];
    return refill(box,
      h("p.rating", h("span.rating-mean", overall.mean.toFixed(1)), unseen(" of 5, "), h("span.quiet", facts.filter(Boolean).join(" · "))),
      spread(overall.histogram, "How the ratings are spread"),
      others.length > 0 && items("ul.dimensions", others.map((one) => [
        h("span", DIMENSIONS[one.dimension] ?? one.dimension), h("span.meter", { "aria-hidden": "true", style: { "--share": percent(one.mean / 5) } }),
        h("span.dimension-mean", one.mean.toFixed(1)), unseen(` of 5, ${plural(one.count, "rating")}`)]), "Means of what makes the film"));
  }
  draw();
  return {
    node,
    adjust(before, after) {
      dimensions = dimensions.map((one) => adjusted(one, before?.[one.dimension], after?.[one.dimension]));
      draw();
    },
  };
}
