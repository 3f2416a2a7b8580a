// The pictures of the generated posters, on a field of 200 × 300, one family of compositions a genre.
// Each takes (colours, r, pen), r(low, high) being a random number; one that leaves the top free for the title instead of the bottom says so.

import { svg } from "../dom.js";

/** Collects shapes. */
export function drawing() {
  const shapes = [];
  const add = (tag, attributes) => shapes.push(svg(tag, attributes));
  return {
    shapes,
    box: (x, y, width, height, fill) => add("rect", { x, y, width, height, fill }),
    disc: (cx, cy, r, fill) => add("circle", { cx, cy, r, fill }),
    ring: (cx, cy, r, stroke, width) => add("circle", { cx, cy, r, fill: "none", stroke, "stroke-width": width }),
    path: (d, fill) => add("path", { d, fill }),
  };
}

function horizon({ a, b, c, d }, r, pen) {
  const y = r(185, 225);
  const x = r(-10, 70);
  pen.disc(r(50, 150), y + r(-22, 8), r(28, 46), d);
  pen.box(0, y, 200, 120, a);
  if (r() < 0.5) pen.path(`M${x - 14} ${y + 1}L${x} ${y - 26}h${r(50, 100)}l18 27Z`, b);
  pen.path(`M0 ${y + 30}Q60 ${y + 10} 200 ${y + 36}V300H0Z`, b);
  pen.path(`M0 ${y + 62}Q120 ${y + 36} 200 ${y + 70}V300H0Z`, c);
  return "top";
}

function peaks({ a, b, c, d }, r, pen) {
  pen.disc(r(40, 160), r(142, 162), r(18, 30), d);
  [a, b, c].forEach((fill, i) => {
    const y = 200 + i * 34;
    const x = r(-30, 30);
    pen.path(`M0 310V${y + 30}L${40 + x} ${y - 30 + i * 8}L${84 + x} ${y + 24}L${132 + x} ${y - 14}L210 ${y + 40}V310Z`, fill);
  });
  return "top";
}

function planet({ a, b, c, d }, r, pen) {
  const x = r(20, 180);
  const y = r(215, 275);
  const size = r(48, 92);
  const turn = r(3.6, 5.8);
  pen.ring(x, y, size + 42, a, 0.8);
  pen.ring(x, y, size + 22, a, 1.4);
  pen.disc(x, y, size, b);
  pen.path(`M${x - size} ${y}A${size} ${size} 0 0 0 ${x + size} ${y}A${size} ${size * 0.55} 0 0 1 ${x - size} ${y}Z`, c);
  pen.disc(x + Math.cos(turn) * (size + 22), y + Math.sin(turn) * (size + 22), r(5, 9), d);
  return "top";
}

function blinds({ a, b, d, ground }, r, pen) {
  const lean = r() < 0.5 ? r(16, 40) : r(-40, -16);
  const x = r(50, 150);
  for (let y = -40, i = 0; y < 165; y += 18, i += 1) {
    const thick = 5 + (y + 40) / 25;
    pen.path(`M0 ${y}L200 ${y + lean}v${thick}L0 ${y + thick}Z`, i % 3 ? a : b);
  }
  pen.disc(x, 108, 15, d);
  pen.path(`M${x - 18} 190L${x - 14} 126h28L${x + 18} 190ZM${x - 26} 102l11-4l4-14h23l3 14l11 4v4h-52Z`, d);
  pen.box(-2, 182, 204, 130, ground);
}

function slit({ a, b, c, d }, r, pen) {
  const x = r(70, 130);
  if (r() < 0.5) [[a, 46, 0], [d, 24, 28], [b, 8, 52]].forEach(([fill, w, y]) => pen.path(`M${x} ${y}Q${x + w * 1.6} 92 ${x} ${184 - y}Q${x - w * 1.6} 92 ${x} ${y}Z`, fill));
  else for (let i = 0; i < 9; i += 1) pen.path(`M${i * 24 - 12} -2h24L${i * 24 + r(-9, 9)} ${r(60, 178)}Z`, [a, b, c, d][i % 4]);
}

function pair({ a, b, c, d }, r, pen) {
  const size = r(44, 60);
  const dx = r(20, 34);
  const dy = r(-24, 24);
  const y = r(84, 96);
  const half = Math.sqrt(size * size / (dx * dx + dy * dy) - 1);
  const [ux, uy] = [-dy * half, dx * half];
  const arc = `A${size} ${size} 0 0 1`;
  if (r() < 0.5) pen.box(0, 0, 200, y, b);
  pen.disc(100 - dx, y - dy, size, d);
  pen.disc(100 + dx, y + dy, size, a);
  pen.path(`M${100 + ux} ${y + uy}${arc} ${100 - ux} ${y - uy}${arc} ${100 + ux} ${y + uy}Z`, c);
}

function quarters({ a, b, c, d }, r, pen) {
  for (let i = 0; i < 12; i += 1) {
    const x = (i % 4) * 50;
    const y = 16 + Math.floor(i / 4) * 50;
    const fill = [a, b, c, d][Math.floor(r(0, 4))];
    const kind = Math.floor(r(0, 6));
    if (kind === 4) pen.disc(x + 25, y + 25, 25, fill);
    else if (kind < 4) pen.path([`M${x} ${y}h50a50 50 0 0 1-50 50`, `M${x + 50} ${y}v50a50 50 0 0 1-50-50`, `M${x + 50} ${y + 50}h-50a50 50 0 0 1 50-50`, `M${x} ${y + 50}v-50a50 50 0 0 1 50 50`][kind], fill);
  }
}

function frames({ a, b, c, d }, r, pen) {
  const lit = Math.floor(r(0, 9));
  for (let i = 0; i < 9; i += 1) pen.box(14 + (i % 3) * 59, 16 + Math.floor(i / 3) * 50, 54, 45, i === lit ? d : [a, b, c][Math.floor(r(0, 3))]);
}

function arcs({ a, b, c, d }, r, pen) {
  const x = r() < 0.5 ? r(-10, 50) : r(150, 210);
  for (let i = 0; i < 7; i += 1) pen.ring(x, 300, 26 + i * 24, [d, a, b, c][i % 4], i % 2 ? 7 : 15);
  return "top";
}

function rings({ a, b, c, d }, r, pen) {
  [a, b, c, a, d].forEach((fill, i) => pen.disc(100 + r(-4, 4) * i, 92 + r(-3, 3) * i, 84 - i * 18, fill));
}

function split({ a, b, c, d }, r, pen) {
  const lean = r(30, 90);
  const x = (value) => (lean > 60 ? 200 - value : value);
  pen.path(`M${x(0)} 0H${x(200 - lean)}L${x(lean)} 182H${x(0)}Z`, a);
  pen.path(`M${x(200 - lean)} 0H${x(222 - lean)}L${x(lean + 22)} 182H${x(lean)}Z`, d);
  for (let i = 0; i < 5; i += 1) pen.box(x(163) - 25, 104 + i * 14, 50, 5, i % 2 ? b : c);
}

function fields({ a, b, c, d }, r, pen) {
  const kind = r();
  const cut = r(60, 120);
  if (kind < 0.35) { // two fields
    pen.box(16, 16, 168, cut - 5, a);
    pen.box(16, 16 + cut, 168, 166 - cut, kind < 0.15 ? d : b);
  } else if (kind < 0.65) { // a lit window
    pen.box(0, 0, 200, 182, a);
    pen.box(cut - 20, 40, 56, 84, b);
    pen.box(cut - 15, 45, 21, 74, d);
    pen.box(cut + 10, 45, 21, 74, c);
  } else { // upright bands
    pen.box(0, 0, 200, 182, b);
    let x = 0;
    for (const fill of [a, d, b, c, a]) {
      const width = r(22, 62);
      pen.box(x, 0, width, 182, fill);
      x += width;
    }
  }
}

function rays({ a, b, c, d, ground }, r, pen) {
  const x = r(40, 160);
  const y = r(60, 120);
  const turn = r();
  for (let i = 0; i < 10; i += 1) {
    const [from, to] = [turn + i * 0.628, turn + i * 0.628 + 0.314];
    pen.path(`M${x} ${y}L${x + 300 * Math.cos(from)} ${y + 300 * Math.sin(from)}L${x + 300 * Math.cos(to)} ${y + 300 * Math.sin(to)}Z`, [a, b, c][i % 3]);
  }
  pen.disc(x, y, r(20, 32), d);
  pen.box(-2, 182, 204, 130, ground);
}

/** By genre: settings of the title, and compositions. */
export const COMPOSITIONS = {
  "Film-Noir": ["tall heavy", [blinds, split]], Western: ["heavy wide", [horizon]], Animation: ["calm heavy", [quarters, arcs]],
  Musical: ["airy calm", [arcs, rings]], War: ["heavy tall", [rays, horizon]], Documentary: ["calm wide", [frames]], Horror: ["tall heavy", [slit, rings]],
  "Sci-Fi": ["airy wide", [planet]], Fantasy: ["airy calm", [peaks, planet]], Mystery: ["tall airy", [rings, blinds]], Romance: ["calm airy tall", [pair, fields]],
  Crime: ["heavy wide", [split, blinds]], Thriller: ["wide tall", [split, slit]], Adventure: ["heavy calm", [horizon, peaks]], Comedy: ["heavy calm", [quarters, pair]],
  Action: ["heavy wide", [rays, split]], Children: ["calm heavy", [arcs, quarters]], Drama: ["calm tall airy heavy", [fields]],
};
