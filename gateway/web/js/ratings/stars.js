// Stars: as a picture, and as a control. The control is a range from 0 to 5 in halves, which keyboards and screen readers know; hands
// and mice touch the stars drawn over it.

import { debounce, h, svg, unseen } from "../dom.js";

const STAR = "M10 1.6l2.6 5.5 6 .8-4.4 4.2 1.1 6L10 15.2l-5.3 2.9 1.1-6L1.4 7.9l6-.8z";
const MOST = 5;
const PAUSE_MS = 700; // arrows are pressed several times: only where they come to rest is taken

const five = (name) => svg(`g.${name}`, Array.from({ length: MOST }, (_, i) => svg("path", { d: STAR, transform: `translate(${i * 20} 0)` })));

/** The picture; `show(value)` fills it, undefined for not rated. */
function drawing(value) {
  const filled = svg("svg", { width: "0", height: "20", x: "0", y: "0" }, five("stars-full"));
  const node = svg("svg.stars-picture", { viewBox: "0 0 100 20", "aria-hidden": "true" }, five("stars-empty"), filled);
  const show = (stars) => {
    filled.setAttribute("width", String((stars ?? 0) * 20));
    node.classList.toggle("unrated", stars === undefined);
  };
  show(value);
  return { node, show };
}

/** A number of stars as people read it. */
export const number = (stars) => (Number.isInteger(stars) ? String(stars) : stars.toFixed(1));

/** Stars to look at. */
export const starsOf = (stars) => h("span.stars-seen", drawing(stars).node, h("span.stars-number", number(stars)), unseen(" of 5 stars"));

/**
 * The control, a field for `form` as well. `onchange(value)` hears what somebody has come to rest on, undefined when it was cleared;
 * `set(value)` shows another one. `about` goes on with the name for people who listen, as in "Plot of Metropolis".
 */
export function starField(name, label, { value, onchange = () => {}, about = "", clear = "Clear" } = {}) {
  let kept = value ?? undefined;
  let held = null; // what it was before a finger came down
  const picture = drawing(kept);
  const said = h("output.stars-number");
  const input = h("input", { type: "range", name, min: "0", max: String(MOST), step: "0.5", value: kept ?? 0 });
  const pad = h("span.stars", picture.node, input);
  const wipe = h("button.link.stars-clear", { type: "button", onclick: () => { take(undefined); input.focus(); } }, clear, unseen(`: ${label}${about}`));
  const node = h("div.stars-line", h("label", h("span.stars-label", label, about && unseen(about)), pad), said, wipe);

  function show(stars) {
    picture.show(stars);
    input.value = String(stars ?? 0);
    input.setAttribute("aria-valuetext", stars === undefined ? "not rated" : `${number(stars)} of 5 stars`);
    said.textContent = stars === undefined ? "–" : number(stars);
    wipe.hidden = stars === undefined;
  }
  function take(stars) {
    rest.cancel();
    show(stars);
    if (stars === kept) return;
    kept = stars;
    onchange(stars);
  }
  const rest = debounce(PAUSE_MS, () => take(Number(input.value)));
  const under = ({ clientX }) => {
    const { left, width } = picture.node.getBoundingClientRect();
    // the left half of a star is a half; left of the first one lies nothing
    return Math.min(MOST, Math.max(0, Math.ceil(((clientX - left) / width) * MOST * 2) / 2));
  };

  input.addEventListener("input", () => {
    show(Number(input.value));
    rest();
  });
  input.addEventListener("blur", () => { if (!held && Number(input.value) !== (kept ?? 0)) take(Number(input.value)); });
  input.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const stars = event.key === "Home" ? 0 : /^[0-5]$/.test(event.key) ? Number(event.key) : NaN;
    if (!Number.isNaN(stars)) {
      event.preventDefault();
      show(stars);
      rest();
    } else if ((event.key === "Delete" || event.key === "Backspace") && kept !== undefined) {
      event.preventDefault();
      take(undefined);
    }
  });
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    held = { kept };
    rest.cancel();
    input.focus({ preventScroll: true });
    show(under(event));
  });
  pad.addEventListener("pointermove", (event) => { if (held) show(under(event)); });
  pad.addEventListener("pointerup", (event) => {
    if (!held) return;
    held = null;
    take(under(event));
  });
  pad.addEventListener("pointercancel", () => {
    held = null;
    show(kept);
  });
  pad.addEventListener("click", (event) => event.preventDefault()); // the label would click the range where nothing is meant
  show(kept);

  return {
    name, node, input,
    get value() { return kept; },
    set(stars) {
      rest.cancel();
      kept = stars ?? undefined;
      show(kept);
    },
    refuse() {},
    focus: () => input.focus(),
  };
}
