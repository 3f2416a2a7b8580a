// The films of a list: to look at, and for those who may, to add, order, note and take off.

import { ApiError } from "../api.js";
import { attempts } from "../attempt.js";
import { cardOf, filmLine, leaveBehind, redraw } from "../components/filmline.js";
import { finder } from "../components/finder.js";
import { doing, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { ordering } from "../components/order.js";
import { isStale, outdone } from "../components/stale.js";
import { announce, h } from "../dom.js";
import { recall, remember } from "../router.js";
import { addFilm, listFilms, moveFilm, removeFilm, updateFilm } from "../watchlist.js";
import { note } from "./itemform.js";

const PAGE = 30;

/** A film of a list. `more` stands beneath, `ways` beside it. */
export function shownFilm(item, ranked, more = [], ways = null) {
  const film = cardOf(item);
  return [ranked && h("span.line-place"), filmLine(film, item.notes && h("p.line-note", item.notes), item.seen && h("p.seen-mark", "seen"), more), ways];
}

/** Numbers the places of a ranked list anew. */
export function number(holder) {
  [...holder.querySelectorAll(".line .line-place")].forEach((place, i) => { place.textContent = i + 1; });
}

function editable(item, list, act) {
  const film = cardOf(item);
  const li = h(list.ranked ? "li.line.placed" : "li.line", { "data-id": item.item_id, "data-name": film.title });
  const grips = act.order.grips(li);
  const draw = () => {
    redraw(li, ...shownFilm(item, list.ranked, [
      list.collaborators.length > 1 && h("p.quiet.small", item.added_by_username ? `added by @${item.added_by_username}` : "added by somebody who left"), notes(),
    ], h("div.line-ways", doing("Remove", () => act.remove(li, item, film), { label: `Remove ${film.title}` }), grips)));
    number(act.holder);
  };
  function notes() {
    const box = h("details.aside", h("summary", { "data-part": "edit" }, item.notes ? "Change the note" : "Add a note"));
    box.addEventListener("toggle", () => {
      if (!box.open || box.querySelector("form")) return;
      box.append(form({
        label: "Note", fields: [note(item.notes, "Note shown with it")], button: "Save", primary: false,
        async send(values) {
          try {
            item = await updateFilm(list.list_id, item.item_id, { notes: values.notes.trim(), etag: item.etag });
            draw();
            announce("Saved");
          } catch (error) {
            if (!isStale(error)) throw error;
            item = await act.again(item);
            throw new ApiError("conflict", outdone(item.notes), "");
          }
        },
      }).node);
    });
    return box;
  }
  draw();
  return li;
}

export async function films(list, _, signal) {
  const changing = list.my_role === "owner" || list.my_role === "editor";
  const holder = h("ol.lines", { role: "list", "aria-label": `Films of ${list.name}` });
  const failure = h("div");
  const once = attempts();
  const order = ordering(holder, (item, after) => moveFilm(list.list_id, item, after), async (error) => {
    await start();
    failure.replaceChildren(h("p.banner", { role: "alert" }, `That move was not kept. ${explain(error)}`));
  }, () => number(holder));
  const act = { holder, order, remove, again };
  const plain = (item) => h(list.ranked ? "li.line.placed" : "li.line", shownFilm(item, list.ranked));
  const draw = (item) => (changing ? editable(item, list, act) : plain(item));
  const grown = growing(holder, {
    load: (token) => listFilms(list.list_id, { page_size: PAGE, page_token: token }, signal),
    // what was added here while pages were still to come is there already
    rows: (page) => (page.items ?? []).filter((item) => !holder.querySelector(`[data-id="${CSS.escape(item.item_id)}"]`)).map(draw),
    noun: "film", onpages: (pages) => { remember({ pages }); number(holder); },
    empty: () => notice("No film on it yet", changing ? "Find one above, or add it from its page." : "Its owner has put none on it."),
  });
  async function start(pages) {
    failure.replaceChildren();
    try {
      holder.replaceChildren();
      await grown.start(pages);
      number(holder);
    } catch (error) {
      if (!signal.aborted) failure.replaceChildren(failureNotice(error, () => start()));
    }
  }
  /** The item as it stands now: there is no call for one of them, and its page holds it. */
  async function again(item) {
    let page = { next_page_token: "" };
    do {
      page = await listFilms(list.list_id, { page_size: 100, page_token: page.next_page_token });
      const found = (page.items ?? []).find((one) => one.item_id === item.item_id);
      if (found) return found;
    } while (page.next_page_token);
    throw Object.assign(new Error("somebody has taken the film off the list"), { kind: "missing" });
  }
  async function remove(li, item, film) {
    await removeFilm(list.list_id, item.item_id);
    const undo = async () => {
      let before = line.previousElementSibling;
      while (before && !before.dataset.id) before = before.previousElementSibling;
      const back = await once({ movie_id: item.movie_id, notes: item.notes }, (body) => addFilm(list.list_id, body));
      await moveFilm(list.list_id, back.item_id, before?.dataset.id ?? "");
      return draw(back);
    };
    const settle = (by) => { grown.shift(by); number(holder); };
    const line = leaveBehind(li, `${film.title} is off the list.`, { undo, done: () => settle(1), failed: explain });
    settle(-1);
    return "";
  }
  async function add(film) {
    const item = await once({ movie_id: film.movie_id }, (body) => addFilm(list.list_id, body));
    holder.append(draw({ ...item, movie: item.movie ?? film }));
    grown.shift(1);
    number(holder);
    return `${film.title} added, at the end`;
  }
  await start(recall("pages"));
  return [changing && finder({ label: "Add a film", verb: "Add", choose: add }).node, failure, grown.node];
}
