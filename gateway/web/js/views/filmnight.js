// Film nights: planning one, taking part by a link, voting, and the film that won.

import { shareAddress } from "../components/address.js";
import { confirming } from "../components/confirm.js";
import { cardOf } from "../components/filmline.js";
import { tile } from "../components/films.js";
import { finder } from "../components/finder.js";
import { doing } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { mark } from "../components/mark.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { h, items, refill, section, unseen } from "../dom.js";
import { plural, time } from "../format.js";
import { personal } from "../later.js";
import { counting } from "../nights/count.js";
import { planning } from "../nights/plan.js";
import { voting } from "../nights/vote.js";
import { go, link, recall, remember } from "../router.js";
import { addCandidate, closeNight, getNight, joinNight, listNights, nightResult } from "../watchlist.js";
import { lost } from "./lost.js";

const LOOK_MS = 8000; // how often others' doings are looked for: the edge lets 60 calls a minute pass

const entry = (night) => h("li", h("div.item", h("div",
  h("a.line-title", { href: link(`film-night/${night.film_night_id}`) }, night.name), " ", h("span.tag.here", night.state === "open" ? "open" : "decided"),
  h("p.quiet.small", [`hosted by @${night.host_username}`, night.starts_at && time(night.starts_at), plural(night.candidates?.length ?? 0, "film"), plural(night.participants?.length ?? 0, "person").replace("persons", "people")].filter(Boolean).join(" · ")))));

async function index({ query, signal }) {
  const state = query.get("state") ?? "";
  const failure = h("div");
  const list = growing(h("ul.items", { role: "list", "aria-label": "Film nights" }), {
    load: (token) => listNights({ state, page_token: token }, signal), rows: (page) => (page.film_nights ?? []).map(entry), noun: "film night",
    onpages: (pages) => remember({ pages }), empty: () => notice("No film night here", "Plan one, send the link to your friends, and let the votes decide."),
  });
  await list.start(recall("pages")).catch((error) => { if (!signal.aborted) failure.replaceChildren(failureNotice(error)); });
  const tabs = h("nav.tabs", { "aria-label": "Film nights" }, [["", "All"], ["open", "Open"], ["closed", "Decided"]].map(([value, label]) =>
    h("a", { href: link("film-night", { state: value }), "aria-current": value === state && "page" }, label)));
  return [tabs, failure, list.node, h("section.apart", h("details.aside", h("summary", "Plan a film night"), planning()))];
}

// The link was followed: one press, and one takes part.
function joining(token) {
  const box = h("div");
  const join = async () => {
    try {
      const night = await joinNight(token);
      go(link(`film-night/${night.film_night_id}`));
    } catch (error) {
      if (error.kind !== "missing") throw error;
      refill(box, notice("This link opens nothing", "The film night may be over and gone, or a letter of the link is missing.", [[link("film-night"), "Your film nights"]], "alert"));
    }
  };
  refill(box, notice("You are asked to a film night", "Take part, and you can propose films and vote. The others see your user name.", [doing("Take part", join, { kind: "primary" })]));
  return box;
}

const people = (night) => items("ul.guests", (night.participants ?? []).map((one) => [mark(one.user_id),
  h("span", h("a", { href: link(`people/${one.username}`) }, `@${one.username}`), one.username === night.host_username && h("span.quiet", " hosts")),
  h("span.quiet", one.has_voted ? "✓ voted" : "not yet", unseen(one.has_voted ? "" : " voted"))]), "Who takes part");

function head(night) {
  const ends = night.state === "open" && (night.closes_at ? `the vote ends ${time(night.closes_at)}` : "the host ends the vote");
  return h("p.quiet", [`by @${night.host_username}`, night.starts_at && `starts ${time(night.starts_at)}`, ends].filter(Boolean).join(" · "));
}

async function decided(night, signal) {
  const cards = new Map((night.candidates ?? []).map((one) => [one.movie_id, cardOf(one)]));
  const result = await nightResult(night.film_night_id, signal);
  const film = cards.get(night.winner_movie_id);
  return [
    section("section.decided", "The film", film ? h("ul.winning", { role: "list" }, tile(film)) : h("p.quiet", night.winner_movie_id ? `Film ${night.winner_movie_id}` : "None: there was no film left to choose.")),
    section("section", "How it was counted", counting(result, (id) => cards.get(id)?.title ?? `Film ${id}`)),
    section("section", "Who took part", people(night)),
  ];
}

// An open film night. It looks for what others do for as long as it is shown.
function open(night, person, signal, ended) {
  const facts = h("div", head(night));
  const guests = h("div");
  const meet = () => refill(guests, people(night), h("p", h("a", { href: link("group", { with: night.participants.map(({ username }) => username).filter((name) => name !== person.username) }) }, "Films that suit all of you")));
  const so = h("div");
  const standing = h("details.aside", h("summary", "The count as it stands"), so);
  const vote = voting(night, person, (next) => { if (next) take(next); else look(); });
  const failure = h("p.form-error", { role: "status", hidden: true });
  let turn = 0;

  async function count() {
    if (!standing.open) return;
    const titles = new Map(night.candidates.map((one) => [one.movie_id, cardOf(one).title]));
    try {
      refill(so, counting(await nightResult(night.film_night_id, signal), (id) => titles.get(id) ?? `Film ${id}`));
    } catch (error) {
      if (!signal.aborted) refill(so, h("p.form-error", explain(error)));
    }
  }
  function take(fresh) {
    if (fresh.state !== "open") return ended();
    const changed = fresh.etag !== night.etag || fresh.candidates.length !== night.candidates.length;
    night = fresh;
    if (changed) {
      refill(facts, head(night));
      meet();
      vote.update(night);
      count();
    }
    return undefined;
  }
  async function look() {
    turn += 1;
    const mine = turn;
    try {
      const fresh = await getNight(night.film_night_id, signal);
      failure.hidden = true;
      // what was asked before a change of one's own would bring the old state back
      if (mine === turn) take(fresh);
    } catch (error) {
      if (signal.aborted) return;
      failure.textContent = `What the others do cannot be seen just now. ${explain(error)}`;
      failure.hidden = false;
    }
  }
  const clock = setInterval(() => { if (!document.hidden) look(); }, LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(clock));
  standing.addEventListener("toggle", count);
  const host = night.host_username === person.username;
  meet();
  return [
    facts, failure, vote.node,
    section("section", "Propose a film", finder({
      label: "Find a film", verb: "Propose",
      async choose(film) {
        turn += 1;
        take(await addCandidate(night.film_night_id, film.movie_id));
        return `${film.title} is proposed`;
      },
    }).node),
    section("section", "Who takes part", guests, night.invite_url && shareAddress(night.invite_url, "Link to invite by")),
    h("section.apart", { "aria-label": "The count" }, standing, host && h("p.form-go", confirming("End the vote", "The film is settled by the votes there are.", "End it now", async () => {
      await closeNight(night.film_night_id);
      clearInterval(clock);
      await ended();
    }))),
  ];
}

async function one(place, id, person) {
  const box = h("div.night");
  const ended = async () => {
    const now = await getNight(id, place.signal);
    refill(box, head(now), await decided(now, place.signal));
    const heading = box.querySelector("h2");
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  };
  const night = await getNight(id, place.signal).catch((error) => {
    if (error.kind !== "missing") throw error;
    return null;
  });
  if (!night) return notice("You take part in no such film night", "Ask for its link: it lets you in.", [[link("film-night"), "Your film nights"]], "alert");
  place.heading.textContent = night.name;
  refill(box, night.state === "open" ? open(night, person, place.signal, ended) : [head(night), await decided(night, place.signal)]);
  return box;
}

export function filmNight(place) {
  const [, id] = place.parts;
  if (place.parts.length > 2) return lost();
  const token = place.query.get("token");
  // what lets somebody in stays in no history and in no copied address
  if (token) history.replaceState(history.state, "", link(place.parts.join("/")));
  const shown = personal(place, id ? "Film night" : "Film nights", (person) => {
    if (token && !id) return joining(token);
    return id ? one({ ...place, heading: shown.node.querySelector("h1") }, id, person) : index(place);
  });
  return { ...shown, ready: shown.ready.then(() => (id ? shown.node.querySelector("h1").textContent : "")) };
}
