// Films for somebody: picks with their reasons, rows for what was liked lately, the first questions, and what was said of picks.

import { listMovies } from "../api.js";
import { row } from "../components/films.js";
import { growing } from "../components/growing.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h, refill } from "../dom.js";
import { plural } from "../format.js";
import { getPreferences } from "../identity.js";
import { personal } from "../later.js";
import { asked, asking, inForce } from "../picks/asking.js";
import { listPicks, listQuestions } from "../picks/calls.js";
import { pickCard } from "../picks/card.js";
import { rows } from "../picks/rows.js";
import { questions } from "../picks/start.js";
import { told } from "../picks/told.js";
import { understoodBlock } from "../picks/understood.js";
import { lacks, rung } from "../picks/words.js";
import { go, link, recall, remember } from "../router.js";
import { lost } from "./lost.js";

const PAGE = 12;
const POPULAR = 20;
const TABS = [["", "Picks"], ["because", "Because you watched"], ["told", "What you said"]];
const STATE_OF = { because: rows, told };

const tabs = (now) => h("nav.tabs", { "aria-label": "For you" }, TABS.map(([path, text]) =>
  h("a", { href: link(path ? `for-you/${path}` : "for-you"), "aria-current": path === now && "page" }, text)), h("a", { href: link("group") }, "With others"));

function nothing(values, correct) {
  const filters = inForce(values);
  return notice("Nothing suits all of that", "Every filter narrows the list, and so does what you have seen or refused; one of these may be too much.", [
    ...filters.slice(0, 5).map(([without, label]) => h("button.button", { type: "button", onclick: () => correct(without) }, `Without ${label}`)),
    (filters.length > 0 || values.query) && h("button.button", { type: "button", onclick: () => correct(asked(new URLSearchParams())) }, "Without any of it"),
  ].filter(Boolean));
}

/** The picks, and the form that asks for them. */
async function picks(place) {
  const { signal } = place;
  const top = h("div.picks-top");
  const box = h("div");
  let turn = 0;
  const form = await asking(asked(place.query), () => start(), signal);

  /** Takes over other values and asks for them. */
  function correct(values) {
    form.take({ ...asked(new URLSearchParams()), ...values });
    start();
    form.node.querySelector("[name=query]").focus();
  }
  function changed() {
    const again = h("button.button.small", { type: "button", onclick: () => start().then(() => box.querySelector(".pick .line-title")?.focus({ preventScroll: true })) }, "Pick anew");
    if (!top.querySelector(".counts")) top.append(h("p.counts", h("span", { role: "status" }, "What you said counts from the next answer on."), " ", again));
  }
  async function start(pages) {
    if (signal.aborted) return undefined; // the address is another page's by now
    turn += 1;
    const mine = turn;
    const { values } = form;
    form.take(values);
    history.replaceState(pages ? history.state : { ...history.state, pages: 1, y: 0 }, "", link("for-you", values));
    let answer = null;
    const list = growing(h("ol.picks", { role: "list", "aria-label": "Films for you" }), {
      noun: "film", onpages: (n) => remember({ pages: n }), empty: () => nothing(values, correct),
      async load(token) {
        const page = await listPicks({ ...values, page_size: PAGE, page_token: token }, signal);
        answer ??= page;
        return page;
      },
      // an answer has one name for all of its pages, or each page its own: feedback names the one that the film came with
      rows: (page) => (page.recommendations ?? []).map((one) => pickCard(one, page.request_id, (by) => {
        list.shift(by);
        changed();
      })),
    });
    box.classList.add("waiting");
    try {
      await list.start(pages);
      if (mine !== turn) return undefined;
      form.refuse(null);
      const understood = answer.understood ? await understoodBlock(answer.understood, correct, signal) : null;
      if (mine !== turn) return undefined;
      refill(top, understood, lacks(answer), rung(answer));
      refill(box, list.node, answer.model && h("p.quiet.small.model", [`Model ${answer.model}`, answer.profile && `weights: ${answer.profile}`].filter(Boolean).join(" · ")));
      announce(`${plural(answer.total_size ?? list.total, "film")} for you`);
    } catch (error) {
      if (mine !== turn || signal.aborted) return undefined;
      refill(top);
      refill(box, form.refuse(error) ? h("p.quiet", { role: "alert" }, "That was not accepted: what is wrong stands beside it.") : failureNotice(error, () => start()));
    }
    box.classList.remove("waiting");
    return answer;
  }
  const first = await start(recall("pages") ?? 1);
  const found = [form.node, top, box];
  const plain = !form.values.query && !inForce(form.values).length;
  if (first?.rung !== "genre_popularity" || !plain) return found;
  // somebody new is asked first, unless they have been
  const [ask, preferences] = await Promise.all([listQuestions({}, signal), getPreferences(signal)]).catch(() => []);
  if (!ask?.movies?.length || ask.rating_count || preferences.onboarded) return found;
  const whole = h("div");
  refill(whole, questions(ask, async () => {
    await start();
    refill(whole, found);
    box.querySelector(".pick .line-title")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }));
  return whole;
}

const start = async ({ signal }) => {
  const first = await listQuestions({}, signal);
  return first.movies?.length ? questions(first, () => go(link("for-you"))) : notice("Nothing to ask", "You have rated, seen or refused every film that would tell us more.", [[link("for-you"), "Your picks"]]);
};

/** What strangers see: what many watch, and what signing in would add. */
async function strangers({ signal }) {
  const { movies } = await listMovies("popular", { page_size: POPULAR }, signal);
  return [
    notice("Films for you, with reasons", "Sign in, rate a few films, and get picks of your own: each with the true reason, and each can be refused for good. Until then, this is what many here watch.",
      [[link("signin", { next: "for-you" }), "Sign in"], [link("register"), "Open an account"], [link("match"), "Or say what you like: CineMatch"]]),
    row("What many here watch", movies, link("list/popular")),
  ];
}

export function forYou(place) {
  const tab = place.parts[1] ?? "";
  if (place.parts.length > 2 || !(tab === "start" || TABS.some(([path]) => path === tab))) return lost();
  if (tab === "start") return personal(place, "For you", () => start(place));
  return personal(place, "For you", async () => [tabs(tab), await (STATE_OF[tab] ?? picks)(place)], { strangers: tab ? undefined : () => strangers(place) });
}
