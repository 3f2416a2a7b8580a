// A text that was changed elsewhere while somebody was writing here: what they wrote stays, and what stands there now is shown beside it.

import { ApiError } from "../api.js";
import { h, refill } from "../dom.js";
import { isStale } from "./stale.js";

const WORDS = "Not saved: it was changed elsewhere in the meantime. Save again to put yours in its place, or take over what stands there now.";

/**
 * Guards changes. `newer()` brings what stands there now, `shown(now)` draws it, `take(now)` puts it into the form. `run(change)` runs
 * `change(etag)` with the etag of what was last seen, first `etag`; `meet(now)` shows what stands there; `box` is where.
 */
export function outrun({ etag, newer, shown, take }) {
  let seen = etag;
  const box = h("div.outrun");
  function meet(now) {
    seen = now.etag;
    const button = h("button.button.small", { type: "button" }, "Take it over");
    button.addEventListener("click", () => {
      take(now);
      box.replaceChildren();
    });
    refill(box, h("p.outrun-title", "As it stands now"), shown(now), button);
  }
  return {
    box, meet,
    async run(change) {
      try {
        const done = await change(seen);
        seen = done?.etag ?? seen;
        box.replaceChildren();
        return done;
      } catch (error) {
        if (!isStale(error)) throw error;
        meet(await newer());
        throw outran();
      }
    },
  };
}

/** What is said to whoever meets something newer. */
export const outran = () => new ApiError("conflict", WORDS, "");
