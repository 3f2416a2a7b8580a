// The REST calls of the explorer, and what can go wrong with them.

const TIMEOUT_MS = 12_000;
const FRESH_MS = 120_000;
const KEPT = 80;
const JSON_BODY = { "content-type": "application/json" };
const kept = new Map();
const KINDS = {
  400: "invalid", 401: "unauthenticated", 403: "forbidden", 404: "missing", 409: "conflict", 429: "limited",
  501: "unimplemented", 502: "unavailable", 503: "unavailable", 504: "unavailable",
};
// who signs the calls: session.js puts itself here, so that a page can be read without it
let keys = { bearer: async () => "", spent: async () => "" };

/**
 * A call that brought no answer. `kind`: offline, unavailable, missing, invalid, unauthenticated, forbidden, conflict, limited,
 * unimplemented or broken; `reason`: the contract's word for it; `wait`: seconds until it makes sense to ask again, 0 if unknown.
 */
export class ApiError extends Error {
  constructor(kind, message, path, { violations = [], reason = "", wait = 0 } = {}) {
    super(message);
    Object.assign(this, { kind, path, violations, reason, wait });
  }

  /** What the gateway says about a field; "genre" also finds "genre[1]". */
  about(field) {
    return this.violations.filter((one) => one.field === field || one.field.startsWith(`${field}[`));
  }
}

async function refusal(response, path) {
  const body = await response.json().catch(() => ({}));
  const message = String(body.message || `The answer was ${response.status}.`);
  const details = Array.isArray(body.details) ? body.details : [];
  const violations = details
    .flatMap((detail) => detail.fieldViolations ?? detail.field_violations ?? [])
    .map((one) => ({ field: String(one.field ?? ""), description: String(one.description || message) }));
  const reason = String(details.find((detail) => detail.reason)?.reason ?? "");
  const delay = details.map((detail) => detail.retryDelay ?? detail.retry_delay).find(Boolean);
  const wait = Math.ceil(Number(response.headers.get("retry-after")) || parseFloat(delay) || 0);
  return new ApiError(KINDS[response.status] ?? (response.status < 500 ? "invalid" : "broken"), message, path, { violations, reason, wait });
}

/** Signs calls from now on: `bearer()` gives the token there is, `spent(token)` another one for a token that was refused: "" for none, null when there is no telling. */
export const signWith = (signer) => { keys = signer; };

const signed = (options, token) => (token ? { ...options, headers: { ...options.headers, authorization: `Bearer ${token}` } } : options);

/**
 * One call. `bare`: never signed, for calls that make or end tokens; `read`: what to take from the answer, JSON by default; `via`: what
 * sends it, `fetch` by default; `patience`: milliseconds until it is given up.
 */
export async function call(path, signal, { bare = false, read = (response) => response.json(), via = fetch, patience = TIMEOUT_MS, ...options } = {}) {
  let token = bare ? "" : await keys.bearer();
  const clock = AbortSignal.timeout(patience);
  const ask = () => via(path, { ...signed(options, token), signal: signal ? AbortSignal.any([signal, clock]) : clock });
  try {
    let response = await ask();
    if (response.status === 401 && token) {
      const refused = await refusal(response, path);
      // a wrong password is refused in the same way, and another token would not make it right
      if (!refused.reason.startsWith("TOKEN_")) throw refused;
      token = await keys.spent(token);
      response = await ask(); // without a token, too: what is public is answered in any case
    }
    if (response.status === 401 && token === null) throw new ApiError("unavailable", "Nobody can say who you are.", "api/v1/auth/refresh");
    if (!response.ok) throw await refusal(response, path);
    return await read(response);
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    const kind = clock.aborted ? "unavailable" : error instanceof SyntaxError ? "broken" : "offline";
    throw new ApiError(kind, "No answer that can be read.", path);
  }
}

/** Sends a body as JSON. */
export const send = (method, path, body, signal, options) => call(path, signal, { method, body: JSON.stringify(body), headers: JSON_BODY, ...options });

/** Parameters as a query string: lists are repeated, empty values left out. */
export function queryString(params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) for (const one of [value].flat()) if (one) query.append(name, one);
  return query.size ? `?${query}` : "";
}

// Answers are kept for two minutes, so that going back is instant.
async function get(path, params, signal) {
  const key = path + queryString(params);
  const hit = kept.get(key);
  if (hit && performance.now() - hit.at < FRESH_MS) return hit.answer;
  const answer = await call(key, signal);
  kept.delete(key);
  kept.set(key, { answer, at: performance.now() });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return answer;
}

export const searchMovies = (params, signal) => get("api/v1/movies/search", params, signal);
export const listMovies = (list, params, signal) => get(`api/v1/movies/${list}`, params, signal);
export const getMovie = (id, signal) => get(`api/v1/movies/${id}`, {}, signal);
export const similarMovies = (id, signal) => get(`api/v1/recommendations/similar/${id}`, { page_size: 12 }, signal);
export const listGenres = (signal) => get("api/v1/genres", {}, signal);
export const listServices = (signal) => get("api/v1/streaming-services", {}, signal);
export const cineMatchHealth = () => call("health");
export const matchMovies = (body, signal) => send("POST", "api/recommendations", body, signal);

/** Names of the services that do not answer, by the gateway's own account; empty when it cannot say. */
export const servicesDown = () => call("health/detailed").then((report) => report.down ?? [], () => []);
