// What somebody feels like: a wish in words, a mood, and filters. It is one form whose values stand in the address.

import { listGenres, listServices } from "../api.js";
import { field } from "../components/forms.js";
import { debounce, h } from "../dom.js";
import { named } from "../format.js";
import { toggles } from "./toggles.js";

const PAUSE_MS = 450;
const MANY = ["genre", "service", "language"];
const ONE = ["query", "mood", "year_min", "year_max", "runtime_min", "runtime_max", "rating_min", "minutes_available", "device", "time_of_day", "weekday", "diversity", "profile", "include_seen"];
const MOODS = ["cosy", "funny", "tense", "sad", "romantic", "adventurous", "thoughtful", "scary", "uplifting", "excited", "nostalgic", "dreamy"];
const LANGUAGES = ["en", "fr", "de", "es", "it", "ja", "ko", "zh", "hi", "ru", "sv", "da", "pl", "pt", "fa", "ar"];
const RATINGS = [["", "Any"], ["3", "3 ★ and more"], ["3.5", "3½ ★ and more"], ["4", "4 ★ and more"], ["4.5", "4½ ★ and more"]];
const VARIETY = [["", "As usual"], ["0.0", "The best matches, alike or not"], ["0.5", "A good mixture"], ["0.9", "As different as can be"]];
const WEIGHTS = [["", "Those that serve"], ["tuned", "Learned from what people watch"], ["default", "Stated by hand"]];
const DEVICES = [["", "Anywhere"], ["tv", "On a television"], ["desktop", "At a desk"], ["tablet", "On a tablet"], ["phone", "On a phone"]];
const TIMES = [["", "Any time"], ["morning", "In the morning"], ["afternoon", "In the afternoon"], ["evening", "In the evening"], ["night", "At night"]];
const DAYS = [["", "Any day"], ...["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"].map((day) => [day.toLowerCase(), day])];
const SAID = { mood: (v) => v, language: (v) => named("language", v), year_min: (v) => `from ${v}`, year_max: (v) => `up to ${v}`, runtime_min: (v) => `from ${v} min`, runtime_max: (v) => `up to ${v} min`,
  rating_min: (v) => `${v} ★ and more`, minutes_available: (v) => `${v} min at hand`, diversity: (v) => text(VARIETY, v), profile: (v) => `weights: ${text(WEIGHTS, v).toLowerCase()}`,
  device: (v) => text(DEVICES, v).toLowerCase(), time_of_day: (v) => text(TIMES, v).toLowerCase(), weekday: (v) => text(DAYS, v), include_seen: () => "seen ones, too" };

const text = (options, value) => options.find(([one]) => one === value)?.[1] ?? value;

/** What an address asks for. */
export function asked(query) {
  const found = Object.fromEntries(ONE.map((name) => [name, query.get(name) ?? ""]));
  for (const name of MANY) found[name] = query.getAll(name);
  return found;
}

/** What narrows or bends the answer, as [what was asked without it, label]; the wish in words is none of them. */
export function inForce(values) {
  const many = MANY.flatMap((name) => values[name].map((value) => [{ ...values, [name]: values[name].filter((one) => one !== value) }, SAID[name]?.(value) ?? value]));
  return [...many, ...ONE.filter((name) => name !== "query" && values[name]).map((name) => [{ ...values, [name]: "" }, SAID[name](values[name])])];
}

function choice(name, label, options) {
  const made = field(name, label, { control: h("select", options.map(([value, words]) => h("option", { value }, words))) });
  return { ...made, get value() { return made.input.value; }, set(value) {
    if (value && !options.some(([one]) => one === value)) made.input.append(h("option", { value }, value));
    made.input.value = value;
  } };
}
function number(name, label, attributes = {}) {
  const made = field(name, label, { type: "number", min: "0", inputmode: "numeric", ...attributes });
  return { ...made, get value() { return made.input.value.trim(); }, set(value) { made.input.value = value; } };
}

/** The form; `changed()` is called when something was chosen. `take(values)` shows others; `refuse(error)` tells whether it named a field. */
export async function asking(values, changed, signal) {
  const [genres, services] = (await Promise.allSettled([listGenres(signal), listServices(signal)])).map(({ value }) => value ?? {});
  const own = (found) => (found ?? []).map(({ value }) => [value, value]);
  const wish = field("query", "What do you feel like?", {
    type: "search", maxlength: "500", enterkeyhint: "search", placeholder: "funny 90s heist under two hours, nothing scary", beside: h("button.button.primary", "Find"),
    hint: "Say it in your own words: a decade, a length, people, a film it should be like, what it must not be.",
  });
  const query = { ...wish, get value() { return wish.input.value.trim(); }, set(words) { wish.input.value = words; } };
  const mood = toggles("mood", "Mood", [["", "Any"], ...MOODS.map((one) => [one, one])], { one: true });
  const seen = h("input", { type: "checkbox", name: "include_seen" });
  const parts = [
    toggles("genre", "Genres, all of them", own(genres.genres)), toggles("service", "On one of", own(services.services)),
    toggles("language", "Spoken in one of", LANGUAGES.map((code) => [code, named("language", code)])),
    number("year_min", "From year"), number("year_max", "To year"), number("runtime_min", "Shortest, in minutes"), number("runtime_max", "Longest, in minutes"),
    choice("rating_min", "Rated on average", RATINGS),
    number("minutes_available", "Minutes you have", { hint: "Films near it come first." }), choice("device", "Where", DEVICES), choice("time_of_day", "When", TIMES), choice("weekday", "Day", DAYS),
    choice("diversity", "Variety", VARIETY), choice("profile", "Weights of the signals", WEIGHTS),
    { name: "include_seen", node: h("label.switch", seen, h("span", "Films I have seen may come back")), get value() { return seen.checked ? "true" : ""; }, set(value) { seen.checked = value === "true"; }, refuse() {}, focus: () => seen.focus() },
  ];
  const nodes = parts.map(({ node }) => node);
  const summary = h("summary", "Filters");
  const more = h("details.filters", summary, h("div.asking-more", nodes.slice(0, 3), h("div.three", nodes.slice(3, 8)), h("div.three", nodes.slice(8, 14)), nodes[14]));
  const all = [query, mood, ...parts];
  const node = h("form.asking.entries", { role: "search", "aria-label": "What you feel like", novalidate: true, onsubmit: submit }, wish.node, mood.node, more);
  const later = debounce(PAUSE_MS, changed);
  function submit(event) {
    event.preventDefault();
    later.cancel();
    changed();
  }
  node.addEventListener("change", ({ target }) => { if (target !== wish.input) later(); });
  signal.addEventListener("abort", later.cancel);

  function take(next) {
    for (const part of all) part.set(next[part.name]);
    const kept = inForce(next).length - (next.mood ? 1 : 0);
    summary.textContent = kept ? `Filters (${kept})` : "Filters";
  }
  take(values);
  return {
    node, take,
    get values() { return Object.fromEntries(all.map((part) => [part.name, part.value])); },
    refuse(error) {
      const wrong = all.filter((part) => {
        const said = error?.about?.(part.name) ?? [];
        part.refuse(said);
        return said.length;
      });
      if (wrong.some((part) => parts.includes(part))) more.open = true;
      // an address may bring what is refused before the form is on the page
      if (node.isConnected) wrong[0]?.focus();
      else requestAnimationFrame(() => wrong[0]?.focus());
      return wrong.length > 0;
    },
  };
}
