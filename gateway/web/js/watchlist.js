// The calls to Watchlist: the watchlist, lists and who works on them, film nights, lists that everyone knows.

import { call, queryString, send } from "./api.js";

const ROOT = "api/v1/watchlist";
const LISTS = `${ROOT}/lists`;
const NIGHTS = `${ROOT}/film-nights`;
const safe = encodeURIComponent;
const get = (path, params = {}, signal = undefined) => call(path + queryString(params), signal);
const post = (path, body = {}) => send("POST", path, body);
const put = (path, body) => send("PUT", path, body);
const drop = (path, params = {}) => call(path + queryString(params), undefined, { method: "DELETE" });

export const listItems = (params, signal) => get(ROOT, params, signal);
export const getItem = (id) => get(`${ROOT}/${safe(id)}`);
export const addItem = (body) => post(ROOT, body);
export const updateItem = (id, body) => put(`${ROOT}/${safe(id)}`, body);
export const removeItem = (id, etag) => drop(`${ROOT}/${safe(id)}`, { etag });
export const moveItem = (id, after) => post(`${ROOT}/${safe(id)}/move`, { after_item_id: after });
export const markWatched = (id) => post(`${ROOT}/${safe(id)}/watched`);
export const exportWatchlist = (format) => call(`${ROOT}/export?format=${format}`, undefined, { read: (response) => response.blob(), patience: 120_000 });

export const listLists = (params, signal) => get(LISTS, params, signal);
export const getList = (id, signal) => get(`${LISTS}/${safe(id)}`, {}, signal);
export const createList = (body) => post(LISTS, body);
export const updateList = (id, body) => put(`${LISTS}/${safe(id)}`, body);
export const deleteList = (id, etag) => drop(`${LISTS}/${safe(id)}`, { etag });
export const listFilms = (id, params, signal) => get(`${LISTS}/${safe(id)}/items`, params, signal);
export const addFilm = (id, body) => post(`${LISTS}/${safe(id)}/items`, body);
export const updateFilm = (id, item, body) => put(`${LISTS}/${safe(id)}/items/${safe(item)}`, body);
export const removeFilm = (id, item, etag) => drop(`${LISTS}/${safe(id)}/items/${safe(item)}`, { etag });
export const moveFilm = (id, item, after) => post(`${LISTS}/${safe(id)}/items/${safe(item)}/move`, { after_item_id: after });

export const invite = (id, body) => post(`${LISTS}/${safe(id)}/collaborators`, body);
export const setRole = (id, user, role) => put(`${LISTS}/${safe(id)}/collaborators/${safe(user)}`, { role });
export const removePerson = (id, user) => drop(`${LISTS}/${safe(id)}/collaborators/${safe(user)}`);
export const listInvitations = (params, signal) => get(`${ROOT}/invitations`, params, signal);
export const acceptInvitation = (id) => post(`${ROOT}/invitations/${safe(id)}/accept`);
export const declineInvitation = (id) => post(`${ROOT}/invitations/${safe(id)}/decline`);
export const shareList = (id) => post(`${LISTS}/${safe(id)}/share`);
export const unshareList = (id) => drop(`${LISTS}/${safe(id)}/share`);
export const sharedList = (token, params, signal) => get(`${ROOT}/shared/${safe(token)}`, params, signal);
export const listComments = (id, params, signal) => get(`${LISTS}/${safe(id)}/comments`, params, signal);
export const addComment = (id, body) => post(`${LISTS}/${safe(id)}/comments`, body);
export const deleteComment = (id, comment) => drop(`${LISTS}/${safe(id)}/comments/${safe(comment)}`);

export const listCanon = (signal) => get(`${ROOT}/canon`, {}, signal);
export const getCanon = (id, params, signal) => get(`${ROOT}/canon/${safe(id)}`, params, signal);

export const listNights = (params, signal) => get(NIGHTS, params, signal);
export const getNight = (id, signal) => get(`${NIGHTS}/${safe(id)}`, {}, signal);
export const createNight = (body) => post(NIGHTS, body);
export const joinNight = (token) => post(`${NIGHTS}/join`, { invite_token: token });
export const addCandidate = (id, film) => post(`${NIGHTS}/${safe(id)}/candidates`, { movie_id: film });
export const removeCandidate = (id, film) => drop(`${NIGHTS}/${safe(id)}/candidates/${film}`);
export const castVote = (id, body) => put(`${NIGHTS}/${safe(id)}/vote`, body);
export const closeNight = (id) => post(`${NIGHTS}/${safe(id)}/close`);
export const nightResult = (id, signal) => get(`${NIGHTS}/${safe(id)}/result`, {}, signal);
