// The colours of a film: its described palette where it is known, else a scheme made from genre, decade and id.
// A colour is {css, L, C, weight}: lightness 0 to 1 as in OKLCH, chroma, share of the picture.

// [hue, chroma, lightness of the ground, span to the other tones] by genre; the first genre here that a film has decides
const GENRES = {
  "Film-Noir": [80, 0.008, 0.2, 0.7], Western: [62, 0.1, 0.8, -0.5], Animation: [205, 0.13, 0.82, -0.4], Musical: [350, 0.14, 0.42, 0.5],
  War: [110, 0.05, 0.36, 0.55], Documentary: [95, 0.03, 0.9, -0.7], Horror: [24, 0.13, 0.19, 0.55], "Sci-Fi": [245, 0.09, 0.24, 0.65],
  Fantasy: [290, 0.1, 0.3, 0.6], Mystery: [195, 0.06, 0.26, 0.6], Romance: [8, 0.09, 0.8, -0.5], Crime: [262, 0.045, 0.22, 0.7],
  Thriller: [150, 0.06, 0.22, 0.65], Adventure: [165, 0.1, 0.38, 0.55], Comedy: [88, 0.14, 0.86, -0.5], Action: [40, 0.15, 0.48, 0.42],
  Children: [130, 0.13, 0.84, -0.45], Drama: [235, 0.05, 0.4, 0.5],
};
const HEX = /^#[0-9a-f]{6}$/i;

/** Numbers in [low, high) that always start the same for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return (low = 0, high = 1) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return low + (((t ^ (t >>> 14)) >>> 0) / 4294967296) * (high - low);
  };
}

/** The genre that says most about how a film might look; "Drama" when none is known. */
export const mainGenre = (film) => Object.keys(GENRES).find((genre) => film.genres?.includes(genre)) ?? "Drama";

function described({ hex, weight }) {
  const rgb = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
  const [r, g, b] = rgb.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  // of a grey, the cube root of the luminance is its OKLab lightness; near enough for the others
  return { css: hex, L: Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b), C: Math.max(...rgb) - Math.min(...rgb), weight: weight || 0.01 };
}

function invented(film) {
  const r = seeded(film.movie_id);
  const [hue, chroma, usual, span] = GENRES[mainGenre(film)];
  const year = film.year || 1995;
  // silver before sound, strong dyes in the fifties, earth in the seventies, neon in the eighties
  const strength = year < 1935 ? 0.1 : year < 1950 ? 0.45 : year < 1970 ? 1.15 : year < 1980 ? 0.8 : year < 1992 ? 1.25 : 1;
  const turned = r() < 0.3; // now and then a genre's night is a day
  const ground = (turned ? 1.06 - usual : usual) + r(-0.04, 0.04);
  const step = turned ? -span : span;
  const base = (year < 1935 ? 75 : hue) + r(-52, 52);
  const other = base + [30, 150, 180, 210, -45][Math.floor(r(0, 5))];
  const tone = (share, vivid, h, weight) => {
    const L = Math.min(0.95, Math.max(0.15, ground + step * share));
    const C = Math.min(0.19, chroma * strength * vivid);
    return { css: `oklch(${L.toFixed(3)} ${C.toFixed(3)} ${h.toFixed(0)})`, L, C, weight };
  };
  return [tone(0, 0.8, base, 0.36), tone(0.4, 1, base + 12, 0.22), tone(0.65, 0.9, other, 0.18), tone(1, 0.45, base - 20, 0.14), tone(0.75, 1.8, other + 20, 0.1)];
}

/** Colours of a film, heaviest first. */
export function palette(film) {
  const swatches = (film.look?.palette ?? []).filter((swatch) => HEX.test(swatch.hex));
  return swatches.length ? swatches.map(described).sort((a, b) => b.weight - a.weight) : invented(film);
}

/** Parts that a film's colours play in its poster; `ink` reads on `ground` at 4.5 : 1 or more. */
export function roles(film) {
  const [ground, ...rest] = palette(film);
  const ink = rest.filter((one) => Math.abs(one.L - ground.L) > 0.55).sort((x, y) => Math.abs(y.L - ground.L) - Math.abs(x.L - ground.L))[0]?.css
    ?? (ground.L < 0.565 ? "#ffffff" : "#000000");
  // a shape that cannot be told from the ground is none
  const seen = rest.filter((one) => Math.abs(one.L - ground.L) > 0.07);
  const d = seen.reduce((x, y) => (x.C >= y.C ? x : y), { css: ink, C: -1 });
  const [a = d, b = a, c = b] = seen.filter((one) => one !== d);
  return { ground: ground.css, ink, a: a.css, b: b.css, c: c.css, d: d.css };
}

/** Lets the page take on a film's colours; without a film, gives them back. */
export function tint(film) {
  const colours = film ? palette(film) : [];
  for (let i = 0; i < 5; i += 1) document.documentElement.style.setProperty(`--strip-${i}`, colours.length ? colours[i % colours.length].css : "");
}
