// A poster for any film: its title set over a composition in its own colours. A real poster covers that once it is loaded.

import { h, svg } from "../dom.js";
import { yearAndDirector } from "../format.js";
import { COMPOSITIONS, drawing } from "./compositions.js";
import { mainGenre, roles, seeded } from "./scheme.js";

// settings of the title: mean width of a letter in em, line height, largest size in % of the poster's width
const SETTINGS = { heavy: [0.48, 0.92, 27], tall: [0.46, 0.95, 25], wide: [0.9, 1.02, 13], calm: [0.51, 1.02, 17], airy: [0.58, 1.1, 15] };
const WIDTH = 88; // room of the title in % of the poster's width
const HEIGHT = 40;

// The largest size at which a title fits: its longest word on a line, all lines in the height.
function sizeOf(title, [letter, leading, largest]) {
  const words = title.split(/\s+/).map((word) => word.length);
  for (let size = largest; size > 6; size -= 0.5) {
    const room = WIDTH / (size * letter);
    let lines = 1;
    let used = -1;
    for (const length of words) {
      if (used + 1 + length > room && used > 0) {
        lines += 1;
        used = length;
      } else used += 1 + length;
    }
    if (Math.max(...words) * 1.16 <= room && lines * size * leading <= HEIGHT) return size;
  }
  return 6;
}

/** The poster of a film. It is decoration: the title stands beside it as text. */
export function poster(film) {
  const colours = roles(film);
  const r = seeded(film.movie_id);
  const pen = drawing();
  const [settings, compositions] = COMPOSITIONS[mainGenre(film)];
  const any = (list) => list[Math.floor(r(0, list.length))];
  const setting = any(settings.split(" "));
  const free = any(compositions)(colours, r, pen) ?? "bottom";
  const box = h(
    `div.poster.set-${setting}.free-${free}`,
    { "aria-hidden": "true", style: { "--ground": colours.ground, "--ink": colours.ink, "--size": sizeOf(film.title, SETTINGS[setting]) } },
    svg("svg", { viewBox: "0 0 200 300" }, pen.shapes),
    h("div.poster-text", h("span.poster-title", film.title), h("span.poster-credit", yearAndDirector(film))),
  );
  if (film.poster_url) {
    const picture = h("img", { alt: "", loading: "lazy", referrerpolicy: "no-referrer", src: film.poster_url });
    picture.addEventListener("load", () => box.classList.add("has-picture"));
    picture.addEventListener("error", () => picture.remove());
    box.append(picture);
  }
  return box;
}
