// HTML that the server made of people's Markdown. The server lets nothing dangerous through; this is the second wall, which would do
// alone: a parser that runs and loads nothing, and a copy of the elements and attributes listed here. The rest is left behind.

import { h } from "../dom.js";

const HTML = "http://www.w3.org/1999/xhtml";
const KEPT = new Set(["a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"]);
const HEADING = /^h[1-6]$/;
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const REL = "nofollow noopener noreferrer ugc";

function attributes(element) {
  if (element.localName === "a") {
    const address = element.getAttribute("href") ?? "";
    return URL.canParse(address) && SCHEMES.has(new URL(address).protocol) ? { href: address, rel: REL } : {};
  }
  const start = element.localName === "ol" && element.getAttribute("start");
  return start && /^\d{1,9}$/.test(start) ? { start } : {};
}

function copy(node, heading) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE || node.namespaceURI !== HTML) return null;
  const name = node.localName;
  const inside = () => [...node.childNodes].map((child) => copy(child, heading));
  if (HEADING.test(name)) return h(heading, inside());
  if (name === "table") return h("div.table-frame", { role: "region", "aria-label": "Table", tabindex: "0" }, h("table", inside()));
  return KEPT.has(name) ? h(name, attributes(node), inside()) : null;
}

/** A block of what people wrote. Its headings are all of one kind, a step below the heading that stands over it. */
export function markup(html, heading = "h4") {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  return h("div.prose", [...body.childNodes].map((node) => copy(node, heading)));
}
