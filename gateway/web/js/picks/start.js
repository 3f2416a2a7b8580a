// The first questions: films whose rating says most about somebody we know little of.

import { poster } from "../components/poster.js";
import { doing } from "../components/forms.js";
import { announce, h, refill, unseen } from "../dom.js";
import { percent, plural, yearAndDirector } from "../format.js";
import { updatePreferences } from "../identity.js";
import { keeping } from "../ratings/keeping.js";
import { starField } from "../ratings/stars.js";
import { listQuestions } from "./calls.js";

const FILMS = 12;
const MOST = 200; // films that one question may leave out
const PAUSES_MS = [150, 300, 600, 1200, 2400];

/**
 * The questions. `first` is the answer that has come already; `done()` is called when somebody is through, or has had enough.
 */
export function questions(first, done) {
  const asked = new Set();
  const rated = new Map();
  const before = first.rating_count ?? 0;
  const wanted = Math.max(1, first.ratings_wanted ?? 1);
  const list = h("ul.questions", { role: "list", "aria-label": "Films to rate" });
  const progress = h("p.seen-of", { role: "status" });

  function tell() {
    const there = before + [...rated.values()].filter(Boolean).length;
    refill(progress, h("strong", there >= wanted ? `${plural(there, "film")} rated: that is enough to go by` : `${there} of ${wanted} films rated`),
      h("span.meter", { "aria-hidden": "true", style: { "--share": percent(Math.min(1, there / wanted)) } }));
    go.querySelector("button").textContent = rated.size ? "Show my films" : "Skip this";
  }
  function question(film) {
    asked.add(film.movie_id);
    const stars = starField("overall", "Your stars", {
      about: ` for ${film.title}`, clear: "Take back",
      onchange: (value) => mine.wish(value === undefined ? {} : { ...mine.scores, overall: value }),
    });
    const mine = keeping(film.movie_id, null, {
      show: (scores) => stars.set(scores.overall),
      kept: (_, now) => {
        rated.set(film.movie_id, Boolean(now));
        other.hidden = Boolean(now);
        tell();
      },
    });
    const other = doing("Don’t know it", async () => {
      const { movies = [] } = await listQuestions({ limit: 1, exclude_movie_ids: [...asked].slice(-MOST) });
      if (!movies.length) {
        li.remove();
        return "There is no other film to ask about";
      }
      const next = question(movies[0]);
      li.replaceWith(next);
      next.querySelector("input").focus({ preventScroll: true });
      return `Instead: ${movies[0].title}`;
    }, { label: `Don’t know it: ${film.title}`, kind: "small" });
    const li = h("li.question", { "data-id": film.movie_id }, poster(film), h("div.pick-words", h("strong.line-title", film.title), h("p.quiet.small", yearAndDirector(film)), stars.node, mine.line, other));
    return li;
  }

  /** Goes on once the recommender has heard of the ratings; it does so within a second. */
  async function finish() {
    const mine = before + [...rated.values()].filter(Boolean).length;
    if (rated.size) announce("Looking for films");
    for (const pause of rated.size ? PAUSES_MS : []) {
      const { rating_count: heard = 0 } = await listQuestions({ limit: 1 }).catch(() => ({ rating_count: mine }));
      if (heard >= mine) break;
      await new Promise((resolve) => { setTimeout(resolve, pause); });
    }
    // where it is not kept, the questions come once more
    await updatePreferences({ onboarded: true, update_mask: "onboarded" }).catch(() => {});
    await done();
    return "";
  }
  const go = doing("Skip this", finish, { kind: "primary" });
  list.append(...(first.movies ?? []).slice(0, FILMS).map(question));
  tell();
  return h("div.start", h("h2", "What do you think of these?"),
    h("p.quiet", "These films tell us most about what you like. Rate those you know, in halves of stars; pass over the others.", unseen(" Each film has a slider from 0 to 5.")), progress, list, h("p.form-go", go));
}
