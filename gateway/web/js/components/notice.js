// What is said when there is nothing to show: an outage by name, a refused field, an empty list.

import { servicesDown } from "../api.js";
import { h } from "../dom.js";
import { service } from "../format.js";
import { again } from "../router.js";

const WORDS = {
  offline: ["No connection", "The server of this page cannot be reached. Check that you are online and that the mesh is running."],
  unavailable: ["Out of service", "A part of CineAesthete is not answering. The rest goes on working."],
  limited: ["Too many requests", "You have asked more often than is allowed. Wait a moment."],
  broken: ["Something went wrong", "That was our error, not yours."],
};

/** A block with a title, a sentence, and ways on: [[address, label]] or elements. */
export const notice = (title, text, ways = [], role = undefined) => h("div.notice", { role }, h("h2", title), h("p.notice-text", text),
  h("p.notice-ways", ways.map((way) => (Array.isArray(way) ? h("a.button", { href: way[0] }, way[1]) : way))));

/** The block for a failed call; an outage names the services that are down as soon as the gateway has said which. */
export function failureNotice(error, retry = again) {
  const [title, text] = WORDS[error.kind] ?? (error.kind ? ["That did not work", error.message] : WORDS.broken);
  const block = notice(title, text, [h("button.button", { type: "button", onclick: retry }, "Try again")], "alert");
  if (error.kind === "unavailable") {
    servicesDown().then((names) => {
      // when the report is out of reach as well, the path tells who should have answered
      const down = names.length ? names : [/recommendations/.test(error.path) ? "recommender" : "catalog"];
      const named = down.map(service).join(" and ");
      block.querySelector(".notice-text").textContent = `${named[0].toUpperCase()}${named.slice(1)} ${down.length > 1 ? "are" : "is"} not answering. The rest goes on working.`;
    });
  }
  return block;
}
