// The calls to Ratings: ratings, the diary, statistics, reviews, comments, reports.

import { call, queryString, send } from "../api.js";

const ROOT = "api/v1/ratings";
const safe = encodeURIComponent;
const post = (path, body) => send("POST", `${ROOT}/${path}`, body);
const put = (path, body) => send("PUT", `${ROOT}/${path}`, body);
const drop = (path, params = {}) => call(`${ROOT}/${path}${queryString(params)}`, undefined, { method: "DELETE" });
const read = (path, params, signal) => call(`${ROOT}/${path}${queryString(params)}`, signal);

export const DIMENSIONS = { overall: "The film as a whole", plot: "Plot", acting: "Acting", cinematography: "Cinematography", soundtrack: "Soundtrack" };

export const getSummary = (movie, signal) => read(`movie/${movie}/summary`, {}, signal);
/** One's own rating of a film; null for none. */
export const getMyRating = (movie, signal) => read(`movie/${movie}/my-rating`, {}, signal).catch((error) => {
  if (error.kind === "missing") return null;
  throw error;
});
export const rate = (body) => post("rate", body);
export const deleteRating = (id, etag) => drop(`rating/${safe(id)}`, { etag });
export const listMyRatings = (params, signal) => read("my-ratings", params, signal);
export const getStatistics = (year, signal) => read("my-statistics", { year }, signal);

export const createEntry = (body) => post("diary", body);
export const listEntries = (params, signal) => read("diary", params, signal);
export const updateEntry = (id, body) => put(`diary/${safe(id)}`, body);
export const deleteEntry = (id, etag) => drop(`diary/${safe(id)}`, { etag });

export const createReview = (body) => post("review", body);
export const getReview = (id, signal) => read(`review/${safe(id)}`, {}, signal);
export const updateReview = (id, body) => put(`review/${safe(id)}`, body);
export const deleteReview = (id, etag) => drop(`review/${safe(id)}`, { etag });
export const listRevisions = (id, params, signal) => read(`review/${safe(id)}/history`, params, signal);
export const listReviews = (movie, params, signal) => read(`movie/${movie}/reviews`, params, signal);
export const listMyReviews = (params, signal) => read("my-reviews", params, signal);
export const likeReview = (id) => post(`review/${safe(id)}/like`, {});
export const unlikeReview = (id) => drop(`review/${safe(id)}/like`);

export const createComment = (review, body) => post(`review/${safe(review)}/comments`, body);
export const listComments = (review, params, signal) => read(`review/${safe(review)}/comments`, params, signal);
export const updateComment = (id, body) => put(`comment/${safe(id)}`, body);
export const deleteComment = (id, etag) => drop(`comment/${safe(id)}`, { etag });

export const reportReview = (id, body) => post(`review/${safe(id)}/report`, body);
export const reportComment = (id, body) => post(`comment/${safe(id)}/report`, body);
export const hideReview = (id, body) => post(`review/${safe(id)}/hide`, body);
export const hideComment = (id, body) => post(`comment/${safe(id)}/hide`, body);
export const listReports = (params, signal) => read("reports", params, signal);
export const resolveReport = (id, body) => post(`reports/${safe(id)}/resolve`, body);

/** The scores of a rating by dimension, without those that are not given. */
export const scores = (rating) => Object.fromEntries(Object.keys(DIMENSIONS).map((name) => [name, rating?.[name]]).filter(([, value]) => value !== undefined && value !== null));
