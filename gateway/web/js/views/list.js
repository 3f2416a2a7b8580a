// A whole list: popular, trending or top rated.

import { listMovies } from "../api.js";
import { growingGrid, skeletons } from "../components/films.js";
import { failureNotice } from "../components/notice.js";
import { h } from "../dom.js";
import { link, recall, remember } from "../router.js";
import { lost } from "./lost.js";

export const LISTS = {
  popular: ["Popular", "By how many people rated them, recent ratings counting more."],
  trending: ["Trending", "Films whose share of recent ratings grew most against their own past."],
  "top-rated": ["Top rated", "By mean rating, damped: three perfect votes do not beat three thousand good ones."],
};

export function list({ parts, signal }) {
  const name = parts[1];
  if (!Object.hasOwn(LISTS, name)) return lost();
  const [title, about] = LISTS[name];
  const box = h("div", skeletons());
  const tabs = Object.entries(LISTS).map(([key, [label]]) => h("a", { href: link(`list/${key}`), "aria-current": key === name && "page" }, label)).concat(h("a", { href: link("canon") }, "Canon"));
  const node = h("div.page", h("div.page-head", h("div", h("h1", title), h("p.quiet", about))), h("nav.tabs", { "aria-label": "Lists" }, tabs), box);
  const load = (token) => listMovies(name, { page_size: 24, page_token: token }, signal);
  const ready = growingGrid(box, load, recall("pages"), (pages) => remember({ pages }))
    .catch((error) => { if (!signal.aborted) box.replaceChildren(failureNotice(error)); })
    .then(() => "");
  return { title, node, ready };
}
