// On a film's page: the watchlist with priority and note, and one's lists.

import { ApiError } from "../api.js";
import { attempts } from "../attempt.js";
import { doing, field, form } from "../components/forms.js";
import { explain } from "../components/notice.js";
import { isStale, outdone } from "../components/stale.js";
import { announce, h, items, refill } from "../dom.js";
import { here, link } from "../router.js";
import { known } from "../session.js";
import { addFilm, addItem, createList, getItem, listItems, listLists, removeItem, updateItem } from "../watchlist.js";
import { note, prioritySelect } from "./itemform.js";

const MOST_LISTS = 100;

/** Fills the place on a film's page. */
export async function keeping(box, film) {
  const person = await known();
  if (!person) {
    refill(box, h("a.button", { href: link("signin", { next: here().parts.join("/") }) }, "Add to watchlist"), h("p.quiet.small", "Sign in to keep it."));
    return;
  }
  if (person.second_factor_missing && !person.roles?.length) return void box.remove();
  box.dataset.personal = ""; // drawn anew when somebody else is signed in
  try {
    const { items: found = [] } = await listItems({ movie_id: film.movie_id, page_size: 1 });
    const shelf = h("div.keep-shelf");
    watchlist(shelf, film, found[0]);
    refill(box, shelf, lists(film));
  } catch (error) {
    refill(box, h("p.quiet.small", { role: "status" }, `Your watchlist cannot be shown. ${explain(error)}`));
  }
}

// The film's place on the watchlist, or the way onto it.
function watchlist(box, film, item, said = "") {
  const once = attempts();
  const redraw = (next, words = "") => {
    watchlist(box, film, next, words);
    box.querySelector("button, summary")?.focus({ preventScroll: true });
  };
  async function add() {
    try {
      redraw(await once({ movie_id: film.movie_id }, addItem));
    } catch (error) {
      if (error.reason !== "ALREADY_EXISTS") throw error;
      redraw((await listItems({ movie_id: film.movie_id, page_size: 1 })).items?.[0]);
    }
    return "On your watchlist";
  }
  if (!item) {
    refill(box, said && h("p.quiet.small", { role: "status" }, said), doing("Add to watchlist", add, { kind: "keep-go" }));
    return;
  }
  const priority = field("priority", "Priority", { control: prioritySelect(item.priority), hint: "10 is what you want to see most." });
  const notes = note(item.notes);
  const change = form({
    label: "On your watchlist", fields: [priority, notes], button: "Save", primary: false,
    async send(values) {
      try {
        item = await updateItem(item.item_id, { priority: Number(values.priority), notes: values.notes.trim(), etag: item.etag });
      } catch (error) {
        if (!isStale(error)) throw error;
        item = await getItem(item.item_id);
        throw new ApiError("conflict", outdone(item.notes), "");
      }
      summary.textContent = named(item);
      return "Saved.";
    },
    more: doing("Take it off", async () => {
      await removeItem(item.item_id);
      redraw(null, "It is off your watchlist.");
      return "Off your watchlist";
    }),
  });
  const summary = h("summary", named(item));
  refill(box, h("details.keep-item", summary, change.node,
    h("p.quiet.small", h("a", { href: link("watchlist") }, "Your whole watchlist"))));
}

const named = (item) => (item.watched ? "On your watchlist, watched" : `On your watchlist, priority ${item.priority}`);

// One's lists that one may change, each with a button that puts the film on it.
function lists(film) {
  const inside = h("div.keep-lists");
  const box = h("details.keep-item", h("summary", "Add to a list…"), inside);
  const once = attempts();

  const entry = (list) => {
    const line = h("div.keep-list");
    const done = (words) => refill(line, h("a", { href: link(`lists/${list.list_id}`) }, list.name), h("span.quiet.small", { role: "status" }, words));
    const put = async () => {
      try {
        await once({ list: list.list_id, movie_id: film.movie_id }, ({ list: _, ...body }) => addFilm(list.list_id, body));
        done("✓ Added");
      } catch (error) {
        if (error.reason !== "ALREADY_EXISTS") throw error;
        done("It is on it already");
      }
      return `On ${list.name}`;
    };
    refill(line, h("a", { href: link(`lists/${list.list_id}`) }, list.name), doing("Add", put, { label: `Add to ${list.name}` }));
    return line;
  };

  async function fill() {
    const found = [];
    for (const role of ["owner", "editor"]) found.push(...((await listLists({ role, page_size: MOST_LISTS })).lists ?? []));
    const name = field("name", "A new list with this film", { maxlength: "100", autocomplete: "off" });
    const made = h("div");
    refill(inside, found.length > 0 && items("ul", found.map(entry), "Your lists"), made, form({
      label: "A new list", fields: [name], need: ["name"], button: "Make it", primary: false,
      async send(values) {
        const list = await once({ name: values.name.trim(), movie_ids: [film.movie_id] }, createList);
        made.append(h("p", h("a", { href: link(`lists/${list.list_id}`) }, list.name), " ", h("span.quiet.small", "✓ made, with this film")));
        name.input.value = "";
        announce(`${list.name} is made`);
      },
    }).node);
  }
  box.addEventListener("toggle", () => {
    if (!box.open || inside.childElementCount) return;
    inside.append(h("p.quiet", "Looking for your lists …"));
    fill().catch((error) => refill(inside, h("p.form-error", { role: "alert" }, explain(error)), doing("Try again", fill)));
  });
  return box;
}
