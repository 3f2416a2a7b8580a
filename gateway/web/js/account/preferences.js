// What a person likes, has and understands; what recommendations and mails go by.

import { listGenres, listServices } from "../api.js";
import { chipGroup } from "../components/chipgroup.js";
import { field, form, tick } from "../components/forms.js";
import { h, section } from "../dom.js";
import { named } from "../format.js";
import { getPreferences, updatePreferences } from "../identity.js";

const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const PAIRS = LETTERS.flatMap((a) => LETTERS.map((b) => a + b));
// codes that name groups, outlying parts or tests, and no country
const NO_COUNTRY = new Set(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]);
const SWITCHES = [
  ["hide_spoilers", "Fold reviews that tell the ending"],
  ["share_taste", "Others may add me to recommendations for a group", "By user name, for a film night."],
  ["mail_activity", "Mail me about likes and comments"],
  ["mail_recommendations", "Mail me recommendations once a week"],
];

/** [code, name] of all two-letter codes that still stand for something, by name. */
function codes(type) {
  const names = new Intl.DisplayNames(["en"], { type, fallback: "none" });
  const found = PAIRS.map((pair) => (type === "region" ? pair.toUpperCase() : pair)).filter((code) => {
    const tag = type === "region" ? `und-${code}` : code;
    return names.of(code) && !NO_COUNTRY.has(code) && Intl.getCanonicalLocales(tag)[0] === tag;
  });
  return found.map((code) => [code, names.of(code)]).sort(([, a], [, b]) => a.localeCompare(b));
}

/** A group of chips as a control of a form. */
function chosen(name, legend, hint, placeholder, known, values) {
  const group = chipGroup(legend, hint, placeholder);
  let sent = [];
  for (const one of known) group.add(one.value, one.count);
  group.choose(values);
  return {
    name, node: group.node, input: {},
    get value() { return (sent = group.chosen()); },
    refuse: (violations) => group.refuse(violations, sent),
    focus: () => {},
  };
}

/** Languages: a list to choose from, and chips for those that are chosen. */
function languages(values) {
  const chips = h("ul.chips", { role: "list", "aria-label": "Languages chosen" });
  const now = () => [...chips.children].map((item) => item.dataset.code);
  const select = h("select", h("option", { value: "" }, "Choose one …"), codes("language").map(([value, text]) => h("option", { value }, text)));
  function add(code) {
    if (!code || now().includes(code)) return;
    const item = h("li", { "data-code": code });
    item.append(h("button.chip.on", { type: "button", "aria-label": `Remove ${named("language", code)}`, onclick: () => {
      item.remove();
      select.focus();
    } }, named("language", code), h("span.chip-off", { "aria-hidden": "true" }, "×")));
    chips.append(item);
  }
  // not upon every change: arrows and letters pass over languages that are not meant
  const button = h("button.button.small", { type: "button", "aria-label": "Add the language", onclick: () => {
    add(select.value);
    select.value = "";
    select.focus();
  } }, "Add");
  for (const code of values) add(code);
  const made = field("languages", "Languages you understand", { control: select, beside: button });
  made.node.append(chips);
  return { ...made, name: "languages", get value() { return now(); } };
}

function number(name, label, value, hint) {
  const made = field(name, label, { type: "number", min: "0", inputmode: "numeric", hint });
  made.input.value = value || "";
  return { ...made, get value() { return Math.trunc(Number(made.input.value)) || 0; } };
}

export async function preferences(_, signal) {
  const [kept, genres, services] = await Promise.all([getPreferences(signal), listGenres(signal).catch(() => ({})), listServices(signal).catch(() => ({}))]);
  let { etag } = kept;
  const genreNames = (genres.genres ?? []).map(({ value }) => ({ value }));
  const serviceNames = (services.services ?? []).map(({ value }) => ({ value }));
  const region = field("region", "Country whose streaming offers count", { control: h("select", h("option", { value: "" }, "None"), codes("region").map(([value, text]) => h("option", { value }, text))) });
  region.input.value = kept.region ?? "";
  const years = [number("year_min", "From year", kept.year_min, "Empty for any."), number("year_max", "To year", kept.year_max, "Empty for any."), number("runtime_max", "Longest, in minutes", kept.runtime_max, "Empty for any.")];
  const fields = [
    chosen("preferred_genres", "Genres you like", "Or in your own words", "science fiction, noir", genreNames, kept.preferred_genres ?? []),
    chosen("excluded_genres", "Genres you never want", "Or in your own words", "horror", genreNames, kept.excluded_genres ?? []),
    chosen("services", "Services you have", "Or another", "prime", serviceNames, kept.services ?? []),
    languages(kept.languages ?? []), ...years, region,
    ...SWITCHES.map(([name, label, hint]) => tick(name, label, kept[name], hint)),
  ];
  const mask = fields.map(({ name }) => name.replace(/_(.)/g, (__, letter) => letter.toUpperCase())).join(",");
  const send = async (values) => {
    ({ etag } = await updatePreferences({ ...values, update_mask: mask, etag }));
    return "Saved.";
  };
  const nodes = fields.map(({ node }) => node);
  return section("section", "Preferences", h("p.quiet", "Recommendations go by them. Nobody else sees them."),
    form({ label: "Preferences", fields, button: "Save", send, content: [...nodes.slice(0, 4), h("div.three", nodes.slice(4, 7)), nodes[7], h("fieldset.entry", h("legend", "Reading and mails"), nodes.slice(8))] }).node);
}
