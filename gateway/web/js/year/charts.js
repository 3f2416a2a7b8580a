// Charts: bars drawn as SVG for the width there is, and the same numbers as a table.

import { h, refill, svg } from "../dom.js";
import { count, plural } from "../format.js";

const UPRIGHT = 180;
const LABEL = 20;
const ROW = 30;
const NARROWEST = 240;

const cut = (text, width) => (text.length * 8 <= width ? text : `${text.slice(0, Math.max(3, Math.floor(width / 8) - 1))}…`);
const hint = ({ label, value, more }) => svg("title", [`${label}: ${plural(value, "film")}`, more].filter(Boolean).join(", "));

/** Bars that stand, a label under each. */
function standing(rows, width) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  const step = width / rows.length;
  const bar = Math.min(46, step * 0.7);
  return [UPRIGHT + 2 * LABEL, rows.map((row, i) => {
    const high = (row.value / most) * UPRIGHT;
    const middle = (i + 0.5) * step;
    return svg("g", hint(row),
      svg("rect.chart-bar", { x: middle - bar / 2, y: LABEL + UPRIGHT - high, width: bar, height: Math.max(high, row.value ? 2 : 0), rx: "2" }),
      row.value > 0 && svg("text.chart-value", { x: middle, y: LABEL + UPRIGHT - high - 6, "text-anchor": "middle" }, count(row.value)),
      svg("text.chart-label", { x: middle, y: LABEL + UPRIGHT + 16, "text-anchor": "middle" }, step < 34 ? row.label.slice(0, step < 22 ? 1 : 3) : row.label));
  })];
}

/** Bars that lie, a name before each. */
function lying(rows, width) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  const names = Math.min(190, width * 0.42);
  const room = width - names - 44;
  return [rows.length * ROW, rows.map((row, i) => svg("g", hint(row),
    svg("text.chart-name", { x: 0, y: i * ROW + 20 }, cut(row.label, names)),
    svg("rect.chart-bar", { x: names, y: i * ROW + 6, width: Math.max(2, (row.value / most) * room), height: 18, rx: "2" }),
    svg("text.chart-value", { x: names + (row.value / most) * room + 8, y: i * ROW + 20 }, count(row.value))))];
}

/**
 * A chart named `title`. `rows`: `{label, value, more}`; `upright`: bars stand. `columns` head the table, which holds `cells` of each
 * row, or label and value.
 */
export function chart(title, rows, { upright = false, columns }) {
  const place = h("div.chart-place");
  const most = rows.reduce((best, row) => (row.value > best.value ? row : best), rows[0]);
  const said = `${title}: ${rows.length} bars, the longest ${most.label} with ${plural(most.value, "film")}. The numbers stand in the table below.`;
  let drawn = 0;
  const draw = (width) => {
    if (width === drawn || width < 1) return;
    drawn = width;
    const wide = Math.max(NARROWEST, Math.floor(width));
    const [height, content] = (upright ? standing : lying)(rows, wide);
    refill(place, svg("svg.chart", { viewBox: `0 0 ${wide} ${height}`, role: "img", "aria-label": said }, content));
  };
  // in the next frame: what is drawn changes the height, which the observer must not answer to at once
  new ResizeObserver(([{ contentRect }]) => requestAnimationFrame(() => draw(contentRect.width))).observe(place);
  return h("figure.figure", place, h("details.aside", h("summary", "As a table"),
    h("div.table-frame", { role: "region", "aria-label": title, tabindex: "0" }, h("table", h("thead", h("tr", columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", rows.map((row) => h("tr", h("th", { scope: "row" }, row.full ?? row.label), row.cells.map((cell) => h("td", cell)))))))));
}
