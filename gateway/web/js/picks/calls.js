// The calls to the recommender that are about a person: picks and why, feedback, films to ask about, rows, groups, ratings expected.

import { call, queryString, send } from "../api.js";

const ROOT = "api/v1/recommendations";
const safe = encodeURIComponent;
const read = (path, params, signal) => call(`${ROOT}${path}${queryString(params)}`, signal);

export const listPicks = (params, signal) => read("", params, signal);
/** What was known of one film of an answer. */
export const explainPick = (answer, movie, signal) => read(`/${safe(answer)}/why`, { movie_id: movie }, signal);
export const listRows = (params, signal) => read("/because-you-watched", params, signal);
export const listQuestions = (params, signal) => read("/onboarding", params, signal);
export const pickForGroup = (body, signal) => send("POST", `${ROOT}/group`, body, signal);
export const predictRating = (movie, signal) => read(`/predict/${movie}`, {}, signal);
export const reviewSummary = (movie, signal) => read(`/review-summary/${movie}`, {}, signal);

// it may be on its way while the page is left
export const sendFeedback = (body) => send("POST", `${ROOT}/feedback`, body, undefined, { keepalive: true });
export const listFeedback = (params, signal) => read("/feedback", params, signal);
/** Takes feedback back; what is gone already is taken back, too. */
export const undoFeedback = (id) => call(`${ROOT}/feedback/${safe(id)}`, undefined, { method: "DELETE" }).catch((error) => {
  if (error.kind !== "missing") throw error;
});
