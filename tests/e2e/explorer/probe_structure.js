// What a screen reader would stumble over; an empty list is a good page. Run as the body of a function.
const found = [];
const name = (e) => (e.getAttribute("aria-label") ?? "") + e.textContent + [...(e.labels ?? [])].map((l) => l.textContent).join("");
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) found.push("an id is used twice");
for (const id of [...document.querySelectorAll("[aria-labelledby]")].map((e) => e.getAttribute("aria-labelledby"))) {
  if (!document.getElementById(id)?.textContent) found.push(`nothing is labelled ${id}`);
}
if (document.querySelectorAll("h1").length !== 1) found.push(`${document.querySelectorAll("h1").length} h1`);
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) found.push(`${heading.tagName} after h${level}: ${heading.textContent}`);
  level = own;
}
for (const landmark of ["header", "main", "footer", "nav[aria-label]", "form[role=search]"]) {
  if (!document.querySelector(landmark)) found.push(`no ${landmark}`);
}
for (const e of document.querySelectorAll("a, button, input, select, textarea")) if (!name(e).trim()) found.push(`no name: ${e.outerHTML.slice(0, 120)}`);
for (const e of document.querySelectorAll("img:not([alt])")) found.push(`no alt: ${e.outerHTML.slice(0, 120)}`);
if (!document.title.includes("CineAesthete")) found.push(`title: ${document.title}`);
return found;
