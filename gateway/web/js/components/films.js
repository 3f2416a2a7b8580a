// Films in lists: tiles, grids that grow, rows that scroll sideways, and what stands there until they come.

import { h, section, unseen } from "../dom.js";
import { count, plural, stars } from "../format.js";
import { link } from "../router.js";
import { poster } from "./poster.js";

export const filmLink = (film) => link(`film/${film.movie_id}`);

/** A film as a link: poster, title, year and rating; `note` stands beneath. */
export function tile(film, note) {
  const rating = stars(film);
  return h("li.tile",
    h("a", { href: filmLink(film) }, poster(film), h("span.tile-title", film.title),
      h("span.tile-facts", film.year > 0 && h("span", film.year), rating && h("span.rated", unseen("rated "), rating, unseen(" of 5")))),
    note);
}

/** Placeholders with the room that films will take. */
export const skeletons = (kind = "grid") => h(`ul.${kind}.waiting`, { "aria-hidden": "true" },
  Array.from({ length: 12 }, () => h("li.tile", h("div.poster.blank"), h("span.bar"), h("span.bar.short"))));

/** A titled row of films that scrolls sideways; `more` is the address of the whole list. */
export function row(title, films, more, notes = []) {
  const whole = section("section.row", title, h("ul.track", { role: "list" }, films.map((film, i) => tile(film, notes[i]))));
  if (more) whole.firstChild.after(h("a.row-more", { href: more }, "See all", unseen(`: ${title}`)));
  return whole;
}

export const rowSkeleton = (title) => h("section.row", h("h2", title), skeletons("track"));

/**
 * Fills `box` with a grid that grows and returns the first page. `load(token)` brings a page; `pages` are loaded at once, so that
 * going back finds the list as it was; `onpages(n)` hears how many are there.
 */
export async function growingGrid(box, load, pages = 1, onpages = () => {}) {
  const holder = h("ul.grid", { role: "list" });
  const button = h("button.button", { type: "button", onclick: more });
  const status = h("p.shown", { role: "status" });
  let token = "";
  let loaded = 0;

  async function grow() {
    const page = await load(token);
    const fresh = page.movies.map((film) => tile(film));
    holder.append(...fresh);
    token = page.next_page_token;
    loaded += 1;
    button.hidden = !token;
    button.textContent = "More films";
    status.textContent = `${count(holder.childElementCount)} of ${plural(page.total_size || holder.childElementCount, "film")}`;
    return { page, fresh };
  }
  async function more() {
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Loading …";
    try {
      const { fresh } = await grow();
      onpages(loaded);
      fresh[0]?.firstChild.focus({ preventScroll: true });
    } catch (error) {
      button.textContent = "More films";
      status.textContent = `The next films did not come: ${error.message}`;
    }
    button.removeAttribute("aria-disabled");
  }

  const { page } = await grow();
  box.replaceChildren(holder, h("div.grow", status, button));
  while (loaded < pages && token) await grow();
  return page;
}
