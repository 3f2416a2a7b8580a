// A year in film as a picture to keep: drawn as SVG with nothing but rectangles and text, so that it is the same in every viewer; the
// PNG is painted from those by hand, in the page's own letters, and needs nothing from elsewhere.

import { palette } from "../components/scheme.js";
import { svg } from "../dom.js";
import { count, plural } from "../format.js";

const WIDTH = 1080;
const HEIGHT = 1350;
const EDGE = 72;
const GROUND = "#101113";
const TEXT = "#eeece6";
const SOFT = "#a9a8a4";
const FACE = "Archivo, 'Helvetica Neue', Arial, sans-serif";
const BAND = 250;
const MOST = 30; // bars that can be told apart

const paint = () => document.createElement("canvas").getContext("2d", { willReadFrequently: true });
/** A colour of any notation as #rrggbb, which every viewer knows. */
function hex(pen, css) {
  pen.fillStyle = css;
  pen.fillRect(0, 0, 1, 1);
  return `#${[...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

const box = (x, y, width, height, fill) => svg("rect", { x, y, width, height, fill });
const line = (text, x, y, size, { weight = 400, fill = TEXT, anchor = "start" } = {}) =>
  svg("text", { x, y, fill, "font-family": FACE, "font-size": size, "font-weight": weight, "text-anchor": anchor }, text);

/** Shortens text to a width, as far as letters of that size go. */
const fitted = (text, width, size) => {
  const most = Math.floor(width / (size * 0.52));
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
};

/** The colours of the films that were liked best, side by side. */
function band(films, y) {
  const pen = paint();
  const shown = films.length ? films : [{ movie_id: 7, genres: ["Drama"] }, { movie_id: 11, genres: ["Comedy"] }, { movie_id: 13, genres: ["Sci-Fi"] }];
  const width = WIDTH / shown.length;
  return shown.flatMap((film, i) => {
    const colours = palette(film);
    const whole = colours.reduce((sum, one) => sum + one.weight, 0);
    let top = y;
    return colours.map(({ css, weight }) => {
      const high = (weight / whole) * BAND;
      top += high;
      // half a pixel more, for viewers that leave hairlines between neighbours
      return box(i * width, top - high, width + 0.5, high + 0.5, hex(pen, css));
    });
  });
}

function ranking(title, rows, x, y, width) {
  return [line(title, x, y, 28, { fill: SOFT }), rows.slice(0, 5).map(({ name, watch_count: films }, i) => [
    line(fitted(name, width - 70, 34), x, y + 50 + i * 46, 34, { weight: 600 }), line(count(films), x + width, y + 50 + i * 46, 34, { fill: SOFT, anchor: "end" })])];
}

/** The picture of `statistics`: `title` such as "2026 in film", `who` it is of. */
export function picture(statistics, title, who) {
  const films = (statistics.highest_rated ?? []).map(({ movie }) => movie).filter(Boolean);
  const hours = Math.round((statistics.minutes_watched ?? 0) / 60);
  const facts = [plural(statistics.watch_count, "film"), hours > 0 && plural(hours, "hour"), statistics.rating_count > 0 && `${statistics.average_rating.toFixed(1)} ★ on average`].filter(Boolean).join("  ·  ");
  const column = (WIDTH - 3 * EDGE) / 2;
  const periods = (statistics.by_period ?? []).slice(-MOST);
  const most = Math.max(1, ...periods.map(({ watch_count: n }) => n));
  const step = (WIDTH - 2 * EDGE) / Math.max(12, periods.length);
  const named = ({ name }, i) => (statistics.year ? "JFMAMJJASOND"[i] : periods.length > 20 ? `’${name.slice(-2)}` : name);
  const bottom = 790;
  return svg("svg", { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": `${title}, ${who}: ${facts}` },
    box(0, 0, WIDTH, HEIGHT, GROUND), band(films, 0),
    line(title, EDGE, BAND + 150, 116, { weight: 760 }), line(fitted(facts, WIDTH - 2 * EDGE, 36), EDGE, BAND + 218, 36, { fill: SOFT }),
    periods.map((one, i) => {
      const high = Math.max(one.watch_count ? 4 : 1, (one.watch_count / most) * 190);
      return [box(EDGE + i * step + step / 14, bottom - high, step - step / 7, high, TEXT), line(named(one, i), EDGE + (i + 0.5) * step, bottom + 34, periods.length > 12 ? 17 : 24, { fill: SOFT, anchor: "middle" })];
    }),
    ranking("Genres", statistics.by_genre ?? [], EDGE, 905, column), ranking("Directors", statistics.by_director ?? [], 2 * EDGE + column, 905, column),
    line(fitted(films.length ? `Best liked: ${films.slice(0, 3).map((film) => film.title).join(", ")}` : "", WIDTH - 2 * EDGE, 28), EDGE, 1220, 28),
    line(fitted(who, 560, 28), EDGE, HEIGHT - 48, 28, { weight: 600 }), line("CineAesthete", WIDTH - EDGE, HEIGHT - 48, 28, { fill: SOFT, anchor: "end" }));
}

/** The picture as a file of its own. */
export const asSvg = (drawn) => new Blob([new XMLSerializer().serializeToString(drawn)], { type: "image/svg+xml" });

/** The picture as PNG. */
export async function asPng(drawn) {
  await document.fonts.ready;
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d");
  for (const shape of drawn.querySelectorAll("rect, text")) {
    const at = (name) => Number(shape.getAttribute(name));
    pen.fillStyle = shape.getAttribute("fill");
    if (shape.localName === "rect") pen.fillRect(at("x"), at("y"), at("width"), at("height"));
    else {
      pen.font = `${shape.getAttribute("font-weight")} ${at("font-size")}px ${FACE}`;
      pen.textAlign = { start: "left", middle: "center", end: "right" }[shape.getAttribute("text-anchor")];
      pen.fillText(shape.textContent, at("x"), at("y"));
    }
  }
  return new Promise((done, failed) => { canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture came of it"))), "image/png"); });
}
