// How the votes were counted, round by round.

import { h } from "../dom.js";
import { count, plural } from "../format.js";

/** The rounds as a table; `title(id)` names a film. */
export function counting(result, title) {
  const { rounds = [] } = result;
  if (!rounds.length) return h("p.quiet", result.vote_count ? "Every film was struck out." : "Nobody has voted yet.");
  // who stayed longest stands first
  const lasting = rounds.flatMap((one) => one.counts ?? []).map(({ movie_id: id }) => id);
  const stayed = [...new Set(lasting)].sort((one, other) => lasting.filter((id) => id === other).length - lasting.filter((id) => id === one).length);
  stayed.sort((one, other) => (other === result.winner_movie_id) - (one === result.winner_movie_id));
  const cell = (id) => (round) => {
    const found = round.counts?.find((one) => one.movie_id === id);
    if (!found) return h("td.quiet", "–");
    return h("td", count(found.votes), round.eliminated_movie_id === id && h("span.quiet", " goes"));
  };
  const struck = result.vetoed_movie_ids ?? [];
  return [
    h("div.table-frame", { role: "region", "aria-label": "The count", tabindex: "0" }, h("table.count",
      h("caption.hidden", "Votes of each film, round by round"),
      h("thead", h("tr", h("th", { scope: "col" }, "Film"), rounds.map((round) => h("th", { scope: "col" }, `Round ${round.round}`)))),
      h("tbody", stayed.map((id) => h(id === result.winner_movie_id ? "tr.winner" : "tr", h("th", { scope: "row" }, title(id)), rounds.map(cell(id)))),
        rounds.some((round) => round.exhausted_votes) && h("tr", h("th", { scope: "row" }, "No film left"), rounds.map((round) => h("td", count(round.exhausted_votes))))))),
    h("p.quiet", `${plural(result.vote_count, "vote")}. Each counts for the best film it has left; the film with the fewest goes, until one has more than half.`),
    struck.length > 0 && h("p.quiet", `Struck out: ${struck.map(title).join(", ")}`),
    result.tie_break && h("p", result.tie_break),
  ];
}
