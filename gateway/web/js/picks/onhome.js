// The row of the home page for whoever is signed in: the first of their picks, each with its reason. Its height is the same from the
// start, whatever comes, so that the page beneath stays where it is.

import { ApiError } from "../api.js";
import { skeletons } from "../components/films.js";
import { lacking, setupOnly } from "../components/lacking.js";
import { failureNotice, notice } from "../components/notice.js";
import { h, section } from "../dom.js";
import { link } from "../router.js";
import { known, unsure } from "../session.js";
import { listPicks } from "./calls.js";
import { pickRow } from "./onerow.js";
import { lacks, rung } from "./words.js";

const TITLE = "For you";
const FILMS = 12;

// A row without films, and what is said over the room they would take.
function said(...words) {
  const bones = skeletons("track");
  bones.classList.remove("waiting");
  bones.inert = true;
  return section("section.row", TITLE, bones, words);
}

const newcomer = () => said(notice("This row can be yours", "Rate a few films that tell most about you. Then films picked for you stand here, each with the reason why.",
  [[link("for-you/start"), "Rate a few films"], [link("import"), "Bring ratings along"]]));

function films(answer) {
  const made = pickRow(TITLE, answer, link("for-you"));
  const words = [lacks(answer), rung(answer)].filter(Boolean);
  if (words.length) made.querySelector(".track").prepend(h("li.row-said", words));
  return made;
}

async function content(signal) {
  const person = await known();
  if (!person && unsure()) throw new ApiError("unavailable", "Nobody can say who you are.", "api/v1/auth/refresh");
  if (!person) return said(notice("You are signed out", "Sign in for films of your own, each with the reason why.", [[link("signin", { next: "for-you" }), "Sign in"]]));
  if (setupOnly(person)) return said(lacking(person));
  const answer = await listPicks({ page_size: FILMS }, signal);
  // by popularity alone, and lacking nothing: there is nothing to go by yet
  if (answer.rung === "genre_popularity" && !answer.degraded) return newcomer();
  return answer.recommendations?.length ? films(answer) : said(notice("Nothing left to pick", "You have rated, seen or refused every film that there is.", [[link("for-you/told"), "What you said"]]));
}

/** Puts the row in the place of `waiting`, a row of placeholders. */
export async function picksOnHome(waiting, signal) {
  let place = waiting;
  function put(next) {
    next.classList.add("for-me");
    next.dataset.personal = ""; // it goes with whoever signs out
    place.replaceWith(next);
    place = next;
  }
  async function again() {
    put(waiting);
    await fill();
    // whoever pressed the button goes on from here
    if (document.activeElement === document.body) place.querySelector("a, button")?.focus({ preventScroll: true });
  }
  async function fill() {
    try {
      const next = await content(signal);
      if (!signal.aborted) put(next);
    } catch (error) {
      if (!signal.aborted) put(said(failureNotice(error, again)));
    }
  }
  await fill();
}
