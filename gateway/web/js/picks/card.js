// A film that was picked: what it is, why, and what one has to say about it.

import { attempts } from "../attempt.js";
import { leaveBehind } from "../components/filmline.js";
import { doing } from "../components/forms.js";
import { explain } from "../components/notice.js";
import { poster } from "../components/poster.js";
import { h, items } from "../dom.js";
import { runtime, yearAndDirector } from "../format.js";
import { rate } from "../lists/rate.js";
import { link } from "../router.js";
import { sendFeedback, undoFeedback } from "./calls.js";
import { match, writer } from "./words.js";
import { whyPanel } from "./why.js";

const AWAY = {
  not_interested: (film) => `${film.title} will not be picked for you again.`,
  seen: (film) => `You have seen ${film.title}.`,
  dismissed: (film) => `Not now: ${film.title} waits a while.`,
};

const facts = (film) => [yearAndDirector(film), runtime(film.runtime_minutes), (film.streaming_services ?? []).join(", ")].filter(Boolean).join(" · ");

/** Picture, title, facts, score if there is one, and reason of a pick; `more` stands beneath. */
export function pickContent({ movie: film, score, explanation }, ...more) {
  const text = explanation?.text;
  const by = writer(explanation?.worded_by);
  return [
    h("a.line-poster", { href: link(`film/${film.movie_id}`), tabindex: "-1", "aria-hidden": "true" }, poster(film)),
    h("div.pick-words", h("a.line-title", { href: link(`film/${film.movie_id}`) }, film.title), h("p.quiet.small", facts(film)), score !== undefined && match(score),
      text && h("p.pick-reason", text, by && h("span.quiet.small", ` Worded by ${by}.`)), more),
  ];
}

/** One's own films behind a pick. */
const because = (films = []) => films.length > 0 && h("div.pick-because", h("span.quiet.small", "From your films:"),
  items("ul", films.map((film) => h("a", { href: link(`film/${film.movie_id}`) }, film.title))));

/**
 * The row of one pick. `answer` is the id of the answer it came in; `told(by)` hears of what was said: -1 when the film has gone, 1 when it
 * is back, 0 for a word that leaves it there.
 */
export function pickCard(one, answer, told) {
  const { movie: film, rank } = one;
  const li = h("li.pick", { "data-id": film.movie_id });
  const once = attempts();
  const say = (kind) => once({ movie_id: film.movie_id, kind, recommendation_request_id: answer, rank }, sendFeedback);
  let liked = "";
  let opened = false;

  const like = doing("Like", async () => {
    if (liked) await undoFeedback(liked);
    liked = liked ? "" : (await say("like")).feedback_id;
    like.querySelector("button").ariaPressed = String(Boolean(liked));
    told(0);
    return liked ? `You like ${film.title}` : `Taken back: ${film.title}`;
  }, { label: `Like: ${film.title}` });
  like.querySelector("button").ariaPressed = "false";

  const away = (text, kind) => doing(text, async () => {
    const { feedback_id: id } = await say(kind);
    const line = leaveBehind(li, AWAY[kind](film), {
      undo: async () => {
        await undoFeedback(id);
        return pickCard(one, answer, told);
      },
      done: () => told(1),
      failed: explain,
    });
    if (kind === "seen") line.append(rate(film));
    told(-1);
    return "";
  }, { label: `${text}: ${film.title}` });

  li.append(...pickContent(one, because(one.explanation?.because),
    h("div.pick-ways", { role: "group", "aria-label": `What you think of ${film.title}` }, like, away("Not interested", "not_interested"), away("Seen it", "seen"), away("Not now", "dismissed")),
    whyPanel(film, answer)));
  // which picks are opened tells how good the picks are; nobody waits for it, and where it fails nothing is lost
  li.addEventListener("click", ({ target }) => {
    if (opened || !target.closest(".line-poster, .line-title")) return;
    opened = true;
    say("clicked").catch(() => {});
  });
  return li;
}
