// Lists that are put in order by hand: two buttons and the arrow keys, or by dragging.

import { announce, h, svg } from "../dom.js";
import { count } from "../format.js";

const SHOULDER = 70; // pixels at the window's edges where dragging scrolls
const PAUSE_MS = 250; // a key that is held down is one move

const arrow = (points) => svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: points }));

/**
 * Lets the items of `list` be moved. An item is an element with `data-id` and `data-name`; others in the list are passed over.
 * `move(id, after)` keeps the new place, `after` is the id of the item in front, "" for the top; what it throws goes to
 * `failed(error)`, which has to bring the kept order back. Gives `grips(item)`: what an item is moved with.
 */
export function ordering(list, move, failed, moved = () => {}) {
  let last = Promise.resolve();
  let waiting = null; // the latest move, until it is sent
  const movable = () => [...list.children].filter((one) => one.dataset.id);

  function keep(item) {
    const all = movable();
    const at = all.indexOf(item);
    const after = all[at - 1]?.dataset.id ?? "";
    announce(`${item.dataset.name}: number ${count(at + 1)} of ${count(all.length)}`);
    moved();
    if (waiting?.id === item.dataset.id) {
      waiting.after = after;
      return;
    }
    const mine = { id: item.dataset.id, after };
    waiting = mine;
    // one after the other, for each names its neighbour as it was when it was made
    last = last.then(() => new Promise((resolve) => { setTimeout(resolve, PAUSE_MS); })).then(() => {
      if (waiting === mine) waiting = null;
      return move(mine.id, mine.after);
    }).catch(failed);
  }
  /** Puts an item in front of another one, or last. */
  function put(item, next) {
    list.insertBefore(item, next ?? null);
    keep(item);
  }
  function step(item, to, focus) {
    const all = movable();
    const at = all.indexOf(item);
    const target = Math.max(0, Math.min(all.length - 1, to(at, all.length)));
    if (target === at) return announce(target ? "It is the last one" : "It is the first one");
    put(item, target > at ? all[target].nextSibling : all[target]);
    focus.focus({ preventScroll: true });
    return item.scrollIntoView({ block: "nearest" });
  }
  const KEYS = { ArrowUp: (at) => at - 1, ArrowDown: (at) => at + 1, Home: () => 0, End: (_, length) => length };

  function drag(item, grip, down) {
    if (down.button || !down.isPrimary) return;
    down.preventDefault();
    grip.setPointerCapture(down.pointerId);
    item.classList.add("dragged");
    const start = down.clientY;
    let next = item.nextSibling;
    let y = start;
    let moving = true;
    const mark = () => {
      for (const one of list.querySelectorAll(".drop-before, .drop-last")) one.classList.remove("drop-before", "drop-last");
      if (!moving) return;
      const others = movable().filter((one) => one !== item);
      next = others.find((one) => { const box = one.getBoundingClientRect(); return y < box.top + box.height / 2; }) ?? null;
      if (next) next.classList.add("drop-before");
      else others.at(-1)?.classList.add("drop-last");
    };
    const scroll = () => {
      if (!moving) return;
      if (y < SHOULDER) scrollBy(0, -9);
      else if (y > innerHeight - SHOULDER) scrollBy(0, 9);
      mark();
      requestAnimationFrame(scroll);
    };
    const follow = (event) => { y = event.clientY; };
    const end = (keeping) => {
      if (keeping) mark();
      moving = false;
      mark();
      item.classList.remove("dragged");
      grip.removeEventListener("pointermove", follow);
      document.removeEventListener("keydown", escape, true);
      const all = movable();
      if (keeping && Math.abs(y - start) > 3 && next !== item && (next ?? undefined) !== all[all.indexOf(item) + 1]) put(item, next);
    };
    const escape = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      end(false);
    };
    grip.addEventListener("pointermove", follow);
    grip.addEventListener("pointerup", (event) => { if (moving) { follow(event); end(true); } }, { once: true });
    grip.addEventListener("pointercancel", () => { if (moving) end(false); }, { once: true });
    document.addEventListener("keydown", escape, true);
    requestAnimationFrame(scroll);
  }

  return {
    put,
    grips(item) {
      const { name } = item.dataset;
      const grip = h("span.grip", { "aria-hidden": "true", title: "Drag to another place" }, arrow("M7 5h.01M13 5h.01M7 10h.01M13 10h.01M7 15h.01M13 15h.01"));
      grip.addEventListener("pointerdown", (event) => drag(item, grip, event));
      const button = (label, points, key) => {
        const made = h("button.grip-step", { type: "button", "aria-label": `Move ${name} ${label}`, title: `Move ${label}; arrow keys, Home and End do it, too` }, arrow(points));
        made.addEventListener("click", () => step(item, KEYS[key], made));
        return made;
      };
      const box = h("span.grips", grip, button("up", "M5 12l5-5 5 5", "ArrowUp"), button("down", "M5 8l5 5 5-5", "ArrowDown"));
      box.addEventListener("keydown", (event) => {
        if (!Object.hasOwn(KEYS, event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
        event.preventDefault();
        step(item, KEYS[event.key], event.target);
      });
      return box;
    },
  };
}
