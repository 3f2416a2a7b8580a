// The REST calls of the explorer, and what can go wrong with them.

const TIMEOUT_MS = 12_000;
const FRESH_MS = 120_000;
const KEPT = 80;
const kept = new Map();
const KINDS = { 400: "invalid", 404: "missing", 429: "limited", 501: "unimplemented", 502: "unavailable", 503: "unavailable", 504: "unavailable" };

/** A call that brought no answer. `kind`: offline, unavailable, missing, invalid, limited, unimplemented or broken. */
export class ApiError extends Error {
  constructor(kind, message, path, violations = []) {
    super(message);
    Object.assign(this, { kind, path, violations });
  }

  /** What the gateway says about a field; "genre" also finds "genre[1]". */
  about(field) {
    return this.violations.filter((one) => one.field === field || one.field.startsWith(`${field}[`));
  }
}

async function refusal(response, path) {
  const body = await response.json().catch(() => ({}));
  const message = String(body.message || `The answer was ${response.status}.`);
  const violations = (Array.isArray(body.details) ? body.details : [])
    .flatMap((detail) => detail.fieldViolations ?? detail.field_violations ?? [])
    .map((one) => ({ field: String(one.field ?? ""), description: String(one.description || message) }));
  return new ApiError(KINDS[response.status] ?? (response.status < 500 ? "invalid" : "broken"), message, path, violations);
}

async function call(path, signal, options = {}) {
  const clock = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await fetch(path, { ...options, signal: signal ? AbortSignal.any([signal, clock]) : clock });
    if (!response.ok) throw await refusal(response, path);
    return await response.json();
  } catch (error) {
    if (error instanceof ApiError || signal?.aborted) throw error;
    const kind = clock.aborted ? "unavailable" : error instanceof SyntaxError ? "broken" : "offline";
    throw new ApiError(kind, "No answer that can be read.", path);
  }
}

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

export const matchMovies = (body, signal) =>
  call("api/recommendations", signal, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } });

/** Names of the services that do not answer, by the gateway's own account; empty when it cannot say. */
export const servicesDown = () => call("health/detailed").then((report) => report.down ?? [], () => []);
