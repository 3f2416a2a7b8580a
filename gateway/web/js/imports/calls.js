// The calls of imports and exports to Ratings, and following an import while it goes on.

import { call, queryString, send } from "../api.js";

const ROOT = "api/v1/ratings";
const IMPORTS = `${ROOT}/imports`;
const LONG_MS = 3_600_000; // an upload over a slow line, a stream
const FILE_MS = 120_000;
const PAUSE_MS = 1000;
const MOST_PAUSE_MS = 8000;
const MOST_FAILURES = 30; // of stream and question in a row, until it is given up
const one = (id, rest = "") => `${IMPORTS}/${encodeURIComponent(id)}${rest}`;

/** States in which nothing goes on. */
export const RESTS = new Set(["ready", "done", "rolled_back", "failed"]);

// `fetch` does not say how much of a body has gone
const sender = (onshare) => (path, { method, headers, body, signal }) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open(method, path);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.responseType = "blob";
  request.upload.addEventListener("progress", ({ loaded, total }) => onshare(total ? loaded / total : 0));
  request.addEventListener("load", () => {
    const answered = request.getAllResponseHeaders().trim().split(/\r?\n/).map((line) => line.split(/:\s*(.*)/s).slice(0, 2)).filter(([name]) => name);
    resolve(new Response(request.response, { status: request.status, headers: answered }));
  });
  request.addEventListener("error", () => reject(new TypeError("the connection was lost")));
  request.addEventListener("abort", () => reject(signal.reason ?? new TypeError("given up")));
  signal.addEventListener("abort", () => request.abort(), { once: true });
  request.send(body);
});

/** Sends a file; `params`: source, file_name, request_id. `onshare(share)` hears how much of it has gone, 0 to 1. */
export const uploadImport = (file, params, onshare, signal) => call(IMPORTS + queryString(params), signal, {
  method: "POST", body: file, headers: { "content-type": file.type || "application/octet-stream" }, via: sender(onshare), patience: LONG_MS,
});
export const listImports = (params, signal) => call(IMPORTS + queryString(params), signal);
export const getImport = (id, signal) => call(one(id), signal);
export const listRows = (id, params, signal) => call(one(id, "/rows") + queryString(params), signal);
export const resolveRow = (id, row, film) => send("PUT", one(id, `/rows/${row}`), { movie_id: film });
export const confirmImport = (id, skip) => send("POST", one(id, "/confirm"), { skip_unsettled: skip });
export const rollbackImport = (id) => send("POST", one(id, "/rollback"), {});
export const exportHistory = (format) => call(`${ROOT}/export?format=${format}`, undefined, { read: (response) => response.blob(), patience: FILE_MS });

// Server-sent events of one stream: an event's data are its lines that begin with "data:", an empty line ends it.
async function events(response, hear) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const parts = (text + piece.value).split(/\r?\n\r?\n/);
    text = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (data) hear(JSON.parse(data));
    }
  }
}

const pause = (ms, signal) => new Promise((resolve) => {
  const clock = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(clock); resolve(); }, { once: true });
});

const FINAL = new Set(["missing", "unauthenticated", "forbidden"]);

/**
 * Follows an import until it rests: `hear({state, rows_done, rows_total, error})`. A stream that is lost is opened again; where none
 * comes, the import itself is asked for. Ends without a word when `signal` says so.
 */
export async function follow(id, hear, signal) {
  let failures = 0;
  let rests = false;
  const told = (event) => {
    failures = 0;
    rests = RESTS.has(event.state);
    hear(event);
  };
  const carry = (error) => {
    failures += 1;
    if (!signal.aborted && (FINAL.has(error.kind) || failures > MOST_FAILURES)) throw error;
  };
  while (!rests && !signal.aborted) {
    try {
      await call(one(id, "/progress"), signal, { patience: LONG_MS, read: (response) => events(response, told) });
      if (!rests) failures += 1;
    } catch (error) {
      carry(error);
    }
    if (rests || signal.aborted) return;
    if (failures > 1) {
      try {
        const { state, rows_applied: done, rows_matched: whole, error } = await getImport(id, signal);
        told({ state, rows_done: done, rows_total: whole, error });
        failures = 1; // the stream is tried again, and after it this
      } catch (error) {
        carry(error);
      }
      if (rests || signal.aborted) return;
    }
    await pause(Math.min(MOST_PAUSE_MS, PAUSE_MS * Math.max(1, failures)), signal);
  }
}
