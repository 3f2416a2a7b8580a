// What is said when there is nothing to show: an outage by name, a refused field, an empty list.

import { servicesDown } from "../api.js";
import { h } from "../dom.js";
import { service, wait } from "../format.js";
import { again } from "../router.js";

const WORDS = {
  offline: ["No connection", "The server of this page cannot be reached. Check that you are online and that the mesh is running."],
  unavailable: ["Out of service", "A part of CineAesthete is not answering. The rest goes on working."],
  limited: ["Too many requests", "You have asked more often than is allowed. Wait a moment."],
  unauthenticated: ["Not signed in", "Your sign-in has ended. Sign in again to go on."],
  broken: ["Something went wrong", "That was our error, not yours."],
};

const OWNERS = [[/recommendations/, "recommender"], [/v1\/ratings/, "ratings"], [/v1\/watchlist/, "watchlist"], [/\/(auth|users|admin)\//, "identity"]];

/** What a failed call means, in a sentence. */
export function explain(error) {
  // a fault of this code must not be silent; a call given up because its page was left is none
  if (!error.kind && error.name !== "AbortError") reportError(error);
  if (error.kind === "limited" && error.wait) return `That was more often than is allowed. Try again in ${wait(error.wait)}.`;
  if (error.kind === "unauthenticated" && !error.reason.startsWith("TOKEN_")) return sentence(error.message);
  return WORDS[error.kind]?.[1] ?? (error.kind ? sentence(error.message) : WORDS.broken[1]);
}

/** A sentence of the server's, with a capital and a full stop. */
export const sentence = (text) => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** A block with a title, a sentence, and ways on: [[address, label]] or elements. */
export const notice = (title, text, ways = [], role = undefined) => h("div.notice", { role }, h("h2", title), h("p.notice-text", text),
  h("p.notice-ways", ways.map((way) => (Array.isArray(way) ? h("a.button", { href: way[0] }, way[1]) : way))));

/** The block for a failed call; an outage names the services that are down as soon as the gateway has said which. */
export function failureNotice(error, retry = again) {
  const [title] = WORDS[error.kind] ?? (error.kind ? ["That did not work"] : WORDS.broken);
  const block = notice(title, explain(error), [h("button.button", { type: "button", onclick: retry }, "Try again")], "alert");
  if (error.kind === "unavailable") {
    servicesDown().then((names) => {
      // when the report is out of reach as well, the path tells who should have answered
      const down = names.length ? names : [OWNERS.find(([pattern]) => pattern.test(error.path))?.[1] ?? "catalog"];
      const named = down.map(service).join(" and ");
      block.querySelector(".notice-text").textContent = `${named[0].toUpperCase()}${named.slice(1)} ${down.length > 1 ? "are" : "is"} not answering. The rest goes on working.`;
    });
  }
  return block;
}
