// What the recommender's words mean to people.

import { h, unseen } from "../dom.js";
import { percent } from "../format.js";
import { sentence } from "../components/notice.js";
import { link } from "../router.js";

/** The parts of a score, in the contract's order. */
export const PARTS = {
  collaborative: "What people with a like taste watch", content: "What it is about and who made it", graph: "How films, people and genres hang together",
  sentiment: "How its reviews feel", popularity: "How many watch it", context: "The occasion: mood, time, device",
};

/** Who answered, where it was not the whole model from everything known. */
const RUNGS = {
  cached_personal: "These go by what was last known of you: what you did since cannot be read just now.",
  item_model: "These are films like those you liked, by what they are about alone: the rest of the model is away.",
  genre_popularity: "These are films that many here watch: too little is known of your taste yet.",
  shipped_list: "This is a list that came with the program: there is no model just now.",
};

/** Feedback as one reads it in the list of one's own. */
export const KINDS = {
  like: "Liked", dislike: "Disliked", not_interested: "Not interested", seen: "Seen elsewhere", clicked: "Opened", dismissed: "Not now",
};

/** How well a film suits. */
export const match = (score) => h("p.score", h("span.meter", { "aria-hidden": "true", style: { "--share": percent(score) } }), percent(score), unseen(" match"));

/** The line on an answer that lacks something; null for a whole one. */
export const lacks = (answer) => (answer.degraded ? h("p.banner", { role: "status" }, `This answer is poorer than usual. ${sentence(answer.degraded_reason || "something was missing")}`) : null);

/** The line on who answered, where that was not the whole model, with the way to a better answer. */
export function rung(answer) {
  const words = RUNGS[answer.rung];
  return words && h("div.banner.rung", h("p", { role: "status" }, words), answer.rung === "genre_popularity" && h("p", h("a", { href: link("for-you/start") }, "Rate a few films"), " that tell most about you, or ", h("a", { href: link("import") }, "bring ratings along"), "."));
}

/** Who wrote a text, where that was a language model. */
export const writer = (name) => (name && name !== "template" && name !== "grammar" ? name : "");
