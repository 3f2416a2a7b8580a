// One's watchlist: what to see, in which order, why, and what of it has been seen.

import { ApiError, listGenres, listServices } from "../api.js";
import { download } from "../account/secondfactor.js";
import { attempts } from "../attempt.js";
import { cardOf, filmLine, leaveBehind, redraw } from "../components/filmline.js";
import { doing, field, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { ordering } from "../components/order.js";
import { isStale, outdone, STALE } from "../components/stale.js";
import { announce, debounce, freshId, h, unseen } from "../dom.js";
import { date } from "../format.js";
import { personal } from "../later.js";
import { link, recall, remember } from "../router.js";
import { addItem, exportWatchlist, getItem, listItems, markWatched, moveItem, removeItem, updateItem } from "../watchlist.js";
import { dayOf, momentOf, note, prioritySelect } from "../lists/itemform.js";
import { rate } from "../lists/rate.js";

const PAGE = 20;
const PAUSE_MS = 350;
const SHOWN = [["", "Everything"], ["false", "To watch"], ["true", "Watched"]];
const ORDERS = [["", "My order"], ["priority", "Priority"], ["newest", "Latest added"], ["oldest", "First added"], ["title", "Title"], ["year", "Year"]];
const LENGTHS = [["", "Any length"], ["90", "Up to 90 min"], ["120", "Up to 2 h"], ["150", "Up to 2½ h"]];
const FILTERS = ["watched", "order_by", "genre", "service", "runtime_max"];
const FORMATS = [["json", "JSON"], ["csv", "CSV"], ["letterboxd", "CSV for Letterboxd"]];

function chooser(name, label, options, value, onchange) {
  const id = freshId();
  const known = options.some(([one]) => one === value) ? options : [...options, [value, value]];
  const select = h("select", { id, name, onchange: () => onchange(name, select.value) }, known.map(([one, text]) => h("option", { value: one, selected: one === value }, text)));
  return h("div.field", h("label", { for: id }, label), select);
}

/** One row. `act` are what the page does for it. */
function row(item, act) {
  const film = cardOf(item);
  const li = h("li.line", { "data-id": item.item_id, "data-name": film.title });
  const draw = (said = "", offer = false) => redraw(li, ...content(said, offer));
  const grips = act.order?.grips(li);

  /** Changes it; where somebody was faster, shows what they made of it, or for a text in a form, says it. */
  async function change(body, written = false) {
    try {
      item = await updateItem(item.item_id, { ...body, etag: item.etag });
      draw();
    } catch (error) {
      if (!isStale(error)) throw error;
      item = await getItem(item.item_id);
      if (written) throw new ApiError("conflict", outdone(item.notes), "");
      draw(STALE);
    }
  }
  function content(said, offer) {
    const id = freshId();
    const failure = h("p.form-error", { role: "alert", hidden: true });
    const priority = prioritySelect(item.priority, { id, "data-part": "priority" });
    // arrows on a closed list pass through what lies between
    const keep = debounce(PAUSE_MS, async () => {
      failure.hidden = true;
      if (Number(priority.value) === item.priority) return;
      try {
        await change({ priority: Number(priority.value) });
        announce(`Priority ${item.priority}`);
      } catch (error) {
        priority.value = item.priority;
        failure.textContent = `The priority is as it was. ${explain(error)}`;
        failure.hidden = false;
      }
    });
    priority.addEventListener("change", keep);
    const watched = item.watched
      ? doing("Not watched", async () => { await change({ watched: false }); return `${film.title} is to be watched`; }, { label: `${film.title} is not watched after all` })
      : doing("Watched", async () => {
        const answer = await markWatched(item.item_id);
        item = answer;
        draw("", answer.offer_rating);
        return `${film.title} is watched`;
      }, { label: `I have watched ${film.title}` });
    watched.querySelector("button").dataset.part = "watched";
    return [
      filmLine(film,
        item.watched && h("p.line-fact", h("span.tag.here", "Watched"), " ", date(item.watched_at)),
        item.notes && h("p.line-note", item.notes),
        said && h("p.banner", { role: "status" }, said), failure,
        offer && rate(film),
        editor(item, change)),
      h("div.line-ways", h("span.line-priority", h("label", { for: id }, "Priority", unseen(` of ${film.title}`)), priority), watched,
        doing("Remove", () => act.remove(li, item, film), { label: `Remove ${film.title}` }), grips),
    ];
  }
  draw();
  return li;
}

// Note and day, in a part that opens.
function editor(item, change) {
  const fields = [note(item.notes)];
  if (item.watched) fields.push(field("day", "Watched on", { type: "date", value: dayOf(item.watched_at), max: dayOf(Date.now()) }));
  const box = h("details.aside", h("summary", { "data-part": "edit" }, item.notes ? "Change the note" : "Add a note", item.watched && ", or the day"));
  box.addEventListener("toggle", () => {
    if (!box.open || box.querySelector("form")) return;
    box.append(form({
      label: "Note", fields, button: "Save", primary: false,
      async send(values) {
        const moved = values.day && values.day !== dayOf(item.watched_at);
        await change({ notes: values.notes.trim(), ...(moved ? { watched_at: momentOf(values.day) } : {}) }, true);
        announce("Saved");
      },
    }).node);
  });
  return box;
}

async function page(place) {
  const { signal } = place;
  const chosen = Object.fromEntries(FILTERS.map((name) => [name, place.query.get(name) ?? ""]));
  const holder = h("ol.lines", { role: "list", "aria-label": "Films on your watchlist" });
  const failure = h("div");
  const once = attempts();
  const act = { order: null, remove };
  const own = ordering(holder, moveItem, async (error) => {
    await start();
    failure.replaceChildren(h("p.banner", { role: "alert" }, `That move was not kept. ${explain(error)}`));
  });
  const list = growing(holder, {
    load: (token) => listItems({ ...chosen, page_size: PAGE, page_token: token }, signal),
    rows: (answer) => (answer.items ?? []).map((item) => row(item, act)),
    noun: "film", onpages: (pages) => remember({ pages }),
    empty: () => notice("Nothing here yet", "What you add on a film's page comes here. What a filter hides is not gone.", [[link("search"), "Browse films"], [link("import"), "Import from elsewhere"]]),
  });

  async function remove(li, item, film) {
    const before = () => { let one = line.previousElementSibling; while (one && !one.dataset.id) one = one.previousElementSibling; return one?.dataset.id ?? ""; };
    await removeItem(item.item_id);
    const undo = async () => {
      let again = await once({ movie_id: item.movie_id, priority: item.priority, notes: item.notes }, addItem);
      if (item.watched) again = await updateItem(again.item_id, { watched_at: item.watched_at });
      if (act.order) again = await moveItem(again.item_id, before());
      return row(again, act);
    };
    const line = leaveBehind(li, `${film.title} is off your watchlist.`, { undo, done: () => list.shift(1), failed: explain });
    list.shift(-1);
    return "";
  }
  async function start(pages) {
    act.order = chosen.order_by ? null : own;
    failure.replaceChildren();
    try {
      await list.start(pages);
    } catch (error) {
      if (!signal.aborted) failure.replaceChildren(failureNotice(error, () => start()));
    }
  }
  function choose(name, value) {
    chosen[name] = value;
    history.replaceState({ ...history.state, pages: 1 }, "", link("watchlist", chosen));
    return start().then(() => announce(`${list.total} films`));
  }
  const [genres, services] = (await Promise.allSettled([listGenres(signal), listServices(signal)])).map(({ value }) => value ?? {});
  const values = (found, first) => [["", first], ...(found ?? []).map(({ value }) => [value, value])];
  const controls = h("div.choosers", { role: "group", "aria-label": "What is shown" },
    chooser("watched", "Show", SHOWN, chosen.watched, choose),
    chooser("order_by", "In order of", ORDERS, chosen.order_by, choose),
    chooser("genre", "Genre", values(genres.genres, "Any genre"), chosen.genre, choose),
    chooser("service", "On", values(services.services, "Any service"), chosen.service, choose),
    chooser("runtime_max", "Length", LENGTHS, chosen.runtime_max, choose));
  await start(recall("pages"));
  const files = h("p.form-go", h("span.quiet", "Take it along:"), FORMATS.map(([format, label]) => doing(label, async () => {
    download(`cineaesthete-watchlist${format === "letterboxd" ? "-letterboxd" : ""}.${format === "json" ? "json" : "csv"}`, await exportWatchlist(format));
    return "The file is there";
  }, { label: `Download the watchlist as ${label}` })));
  return [controls, failure, list.node, files];
}

export const watchlist = (place) => personal(place, "Watchlist", () => page(place));
