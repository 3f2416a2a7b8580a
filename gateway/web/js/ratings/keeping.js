// One's own rating of a film, kept at once: what is changed while a call is under way goes with the next one, each change can be undone,
// and what was not kept is said.

import { attempts } from "../attempt.js";
import { explain } from "../components/notice.js";
import { isStale } from "../components/stale.js";
import { announce, h, refill } from "../dom.js";
import { deleteRating, getMyRating, rate, scores } from "./calls.js";

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const WAITS = "Not kept yet: say what you think of the film as a whole, too.";
const NEWER = "Your rating was changed elsewhere in the meantime. This is how it stands now: set it again if you still want to.";

/**
 * Keeps the rating of film `movie`, beginning with `rating` (null for none). `show(scores)` draws scores by dimension; `kept(before,
 * after)` hears of ratings that the server has kept, null for none. `wish(scores)` wants others; `line` says how it went.
 */
export function keeping(movie, rating, { show, kept = () => {} }) {
  let stands = rating;
  let wanted = scores(rating);
  let undo = wanted; // what there was before the changes that are under way
  let going = null;
  const once = attempts();
  const line = h("p.kept", { role: "status" });
  const say = (...content) => refill(line, ...content);
  const button = (text, run) => h("button.link", { type: "button", onclick: run }, text);

  async function push() {
    const wish = wanted;
    const before = stands;
    if (wish.overall === undefined) {
      if (before) {
        await deleteRating(before.rating_id, before.etag).catch((error) => { if (error.kind !== "missing") throw error; });
        stands = null;
      }
    } else stands = await once({ movie_id: movie, ...wish, etag: before?.etag ?? "" }, rate);
    kept(before, stands);
  }
  const settled = () => same(scores(stands), wanted) || (wanted.overall === undefined && !stands);

  async function run() {
    const before = undo;
    try {
      while (!settled()) await push();
      if (wanted.overall === undefined && Object.keys(wanted).length) return say(WAITS);
      undo = wanted;
      if (same(before, wanted)) return say();
      const text = stands ? "Kept." : "Taken back.";
      say(text, " ", button("Undo", () => {
        wish(before);
        announce("Undone");
      }));
    } catch (error) {
      const missed = wanted;
      if (isStale(error)) {
        stands = await getMyRating(movie).catch(() => stands);
        say(NEWER);
      } else say(h("span.form-error", "Not kept. ", explain(error)), " ", button("Try again", () => wish(missed)));
      wanted = scores(stands);
      undo = wanted;
      show(wanted);
    }
    return undefined;
  }
  function wish(next) {
    // without the whole there is no rating: taken back, it takes the rest along
    wanted = next.overall === undefined && (wanted.overall !== undefined) ? {} : next;
    show(wanted);
    if (going) return going;
    say("Keeping …");
    going = run().finally(() => { going = null; });
    return going;
  }
  return {
    line, wish,
    get scores() { return wanted; },
    get rating() { return stands; },
    /** Takes over what the server has by now. */
    take(next) {
      stands = next;
      wanted = scores(next);
      undo = wanted;
      show(wanted);
      say();
    },
  };
}
