// Elements without innerHTML: what comes from the API only ever becomes text or a checked attribute.

const SVG = "http://www.w3.org/2000/svg";
const NEAR = "500px";

// "a.chip" is a link of class "chip". {attributes} may come first: `on…` are listeners, `style` goes through CSSOM, for the page's
// policy forbids style attributes. The rest are children, in lists or not.
function build(make, name, parts) {
  const [tag, ...classes] = name.split(".");
  const element = make(tag);
  const props = parts[0]?.constructor === Object ? parts.shift() : {};
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "style") for (const [property, part] of Object.entries(value)) element.style.setProperty(property, part);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...real(parts));
  return element;
}

const real = (parts) => parts.flat(4).filter((part) => part !== undefined && part !== null && part !== false && part !== "");

/** Puts other content into an element, of the same kinds that `h` takes. */
export const refill = (element, ...parts) => element.replaceChildren(...real(parts));

/** An HTML element: h("a.chip", {href}, "text", …). */
export const h = (name, ...parts) => build((tag) => document.createElement(tag), name, parts);

/** An SVG element, in the same way. */
export const svg = (name, ...parts) => build((tag) => document.createElementNS(SVG, tag), name, parts);

/** Text for people who listen and not for those who look. */
export const unseen = (text) => h("span.hidden", text);

let ids = 0;
/** An id that no other element has. */
export const freshId = () => `id-${++ids}`;

/** A section with a heading that names it. */
export function section(name, title, ...content) {
  const id = freshId();
  return h(name, { "aria-labelledby": id }, h("h2", { id }, title), content);
}

/** A list; the role keeps it one for readers that take a list without bullets for none. */
export const items = (name, content, label) => h(name, { role: "list", "aria-label": label }, content.map((one) => h("li", one)));

/** Chips that are links: [[address, label, number]]. */
export const chips = (links, label) => items("ul.chips", links.map(([href, text, number]) => h("a.chip", { href }, text, number && h("span.chip-count", number))), label);

/** Says something to people who listen. */
export function announce(text) {
  const line = document.getElementById("announce");
  line.textContent = "";
  // a change in the next frame is read even when the words are the same as before
  requestAnimationFrame(() => { line.textContent = text; });
}

/** Runs something when somebody comes near an element, once, unless `signal` or what is returned ends the watch before. */
export function whenNear(element, run, signal) {
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((one) => one.isIntersecting)) return;
    watch.disconnect();
    run();
  }, { rootMargin: NEAR });
  const end = () => watch.disconnect();
  watch.observe(element);
  signal.addEventListener("abort", end);
  return end;
}

/** A function that runs once its calls have paused for `ms`. */
export function debounce(ms, run) {
  let timer = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
