// An address that leads nowhere.

import { notice } from "../components/notice.js";
import { h } from "../dom.js";

/** Ways on from nowhere. */
export const WAYS = [["#/search", "Browse all films"], ["#/", "Home"]];

export function lost() {
  return { title: "Not found", node: h("div.page", h("h1", "Nothing here"), notice("This address leads nowhere", "It may be old, or a letter is wrong.", WAYS)) };
}
