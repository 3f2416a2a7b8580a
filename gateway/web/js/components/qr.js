// QR codes (ISO/IEC 18004): bytes, error correction level M, versions 1 to 12, so up to 287 bytes.

import { svg } from "../dom.js";

const CHECK = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22]; // check bytes a block, by version
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8];
const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];
const QUIET = 4;

// GF(256) by logarithms
const EXP = [1];
for (let i = 1; i < 512; i += 1) EXP[i] = (EXP[i - 1] << 1) ^ (EXP[i - 1] > 127 ? 0x11d : 0);
const LOG = Object.fromEntries(EXP.slice(0, 255).map((value, i) => [value, i]));
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

/** The remainder of a polynomial over the generator of `degree` roots: the check bytes. */
function checkBytes(data, degree) {
  let generator = [1];
  for (let i = 0; i < degree; i += 1) generator = [...generator, 0].map((value, j) => value ^ times(generator[j - 1] ?? 0, EXP[i]));
  const rest = [...data, ...Array(degree).fill(0)];
  data.forEach((_, i) => {
    const lead = rest[i];
    generator.forEach((value, j) => { rest[i + j] ^= times(value, lead); });
  });
  return rest.slice(data.length);
}

function capacity(version) {
  const across = version > 1 ? Math.floor(version / 7) + 2 : 0;
  const modules = (16 * version + 128) * version + 64 - (across ? (25 * across - 10) * across - 55 : 0) - (version > 6 ? 36 : 0);
  return modules >> 3;
}

/** All bytes of the code in their order: data in blocks, interleaved, then the check bytes in the same way. */
function codewords(bytes, version) {
  const [degree, blocks, all] = [CHECK[version - 1], BLOCKS[version - 1], capacity(version)];
  const room = all - degree * blocks;
  const bits = [0, 1, 0, 0];
  const put = (value, length) => { for (let i = length - 1; i >= 0; i -= 1) bits.push((value >> i) & 1); };
  put(bytes.length, version > 9 ? 16 : 8);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, room * 8 - bits.length));
  put(0, -bits.length & 7);
  const data = Array.from({ length: bits.length / 8 }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8).join(""), 2));
  for (let pad = 0xec; data.length < room; pad ^= 0xec ^ 0x11) data.push(pad);
  const short = Math.floor(room / blocks);
  let at = 0;
  const parts = Array.from({ length: blocks }, (_, i) => data.slice(at, (at += short + (i >= blocks - (room % blocks) ? 1 : 0))));
  const checks = parts.map((part) => checkBytes(part, degree));
  const woven = (lists, length) => Array.from({ length }, (_, i) => lists.map((list) => list[i])).flat().filter((value) => value !== undefined);
  return [...woven(parts, short + 1), ...woven(checks, degree)];
}

// appends the remainder of a BCH code to a value
function guarded(value, length, polynomial) {
  let rest = value;
  for (let i = 0; i < length; i += 1) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return (value << length) | rest;
}

/** The modules that are the same whatever the data; `undefined` where data goes. */
function frame(version, mask) {
  const size = version * 4 + 17;
  const grid = Array.from({ length: size }, () => Array(size));
  const set = (x, y, dark) => { if (grid[y] && x >= 0 && x < size) grid[y][x] = Boolean(dark); };
  for (let i = 0; i < size; i += 1) for (const [x, y] of [[6, i], [i, 6]]) set(x, y, i % 2 === 0);
  const ring = (cx, cy, reach, dark) => { for (let y = -reach; y <= reach; y += 1) for (let x = -reach; x <= reach; x += 1) set(cx + x, cy + y, dark(Math.max(Math.abs(x), Math.abs(y)))); };
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) ring(x, y, 4, (far) => far !== 2 && far !== 4);
  const across = version > 1 ? Math.floor(version / 7) + 2 : 0;
  const step = Math.ceil((version * 4 + 4) / (across * 2 - 2)) * 2;
  const centres = Array.from({ length: across }, (_, i) => (i ? size - 7 - (across - 1 - i) * step : 6));
  centres.forEach((x, i) => centres.forEach((y, j) => {
    const corner = (i === 0 && j === 0) || (i === 0 && j === across - 1) || (i === across - 1 && j === 0);
    if (!corner) ring(x, y, 2, (far) => far !== 1);
  }));
  const format = guarded(mask, 10, 0x537) ^ 0x5412; // level M is 00
  const bit = (value, i) => (value >> i) & 1;
  for (let i = 0; i < 15; i += 1) {
    set(8, i < 6 ? i : i < 8 ? i + 1 : size - 15 + i, bit(format, i));
    set(i < 8 ? size - 1 - i : i === 8 ? 7 : 14 - i, 8, bit(format, i));
  }
  set(8, size - 8, true);
  if (version > 6) {
    const told = guarded(version, 12, 0x1f25);
    for (let i = 0; i < 18; i += 1) for (const [a, b] of [[size - 11 + (i % 3), Math.floor(i / 3)]]) [[a, b], [b, a]].forEach(([x, y]) => set(x, y, bit(told, i)));
  }
  return grid;
}

function drawn(words, version, mask) {
  const grid = frame(version, mask);
  const size = grid.length;
  let i = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (grid[y][x] !== undefined) continue;
        grid[y][x] = Boolean(((words[i >> 3] ?? 0) >> (7 - (i & 7))) & 1) !== (MASKS[mask](x, y) === 0);
        i += 1;
      }
    }
  }
  return grid;
}

// how hard a grid is to read: runs, blocks, and too much of one colour
function penalty(grid) {
  const lines = [...grid, ...grid.map((_, x) => grid.map((row) => row[x]))].map((line) => line.map(Number).join(""));
  const runs = lines.flatMap((line) => line.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  const finders = lines.flatMap((line) => line.match(/(?=00001011101|10111010000)/g) ?? []).length * 40;
  let blocks = 0;
  for (let y = 1; y < grid.length; y += 1) for (let x = 1; x < grid.length; x += 1) if (grid[y][x] === grid[y - 1][x] && grid[y][x] === grid[y][x - 1] && grid[y][x] === grid[y - 1][x - 1]) blocks += 3;
  const dark = grid.flat().filter(Boolean).length / grid.length ** 2;
  return runs + finders + blocks + Math.floor(Math.abs(dark - 0.5) * 20) * 10;
}

/** The modules of a text's code, row by row; null when it is too long. */
export function modules(text) {
  const bytes = new TextEncoder().encode(text);
  const version = CHECK.findIndex((check, i) => bytes.length + (i > 8 ? 3 : 2) <= capacity(i + 1) - check * BLOCKS[i]) + 1;
  if (!version) return null;
  const words = codewords(bytes, version);
  return MASKS.map((_, mask) => drawn(words, version, mask)).map((grid) => [penalty(grid), grid]).sort(([a], [b]) => a - b)[0][1];
}

/** A text as a picture; null when it is too long for one. */
export function qrCode(text) {
  const grid = modules(text);
  if (!grid) return null;
  const size = grid.length + 2 * QUIET;
  const path = grid.flatMap((row, y) => row.map((dark, x) => dark && `M${x + QUIET} ${y + QUIET}h1v1h-1z`)).filter(Boolean).join("");
  return svg("svg", { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "QR code of the secret", "shape-rendering": "crispEdges" },
    svg("rect", { width: size, height: size, fill: "#fff" }), svg("path", { d: path, fill: "#000" }));
}
