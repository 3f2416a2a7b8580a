// Films like another one.

import { similarMovies } from "../api.js";
import { h } from "../dom.js";
import { pickRow } from "./onerow.js";

/** The row at the end of a film's page. */
export async function alike(movie, signal) {
  const answer = await similarMovies(movie, signal);
  return answer.recommendations.length ? pickRow("Similar films", answer) : h("p.quiet.row", "No similar films are known.");
}
