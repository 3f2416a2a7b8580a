// What a film's page offers for keeping it: on the watchlist, on a list. Its code comes once the page is there.

import { h } from "../dom.js";

/** The place for it; where the code does not come, there is none. */
export function keep(film) {
  const box = h("div.keep");
  import("./keeping.js").then(({ keeping }) => keeping(box, film)).catch(() => box.remove());
  return box;
}
