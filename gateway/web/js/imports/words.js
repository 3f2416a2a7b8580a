// What states, outcomes and kinds of an import are called.

export const SOURCES = { letterboxd: "Letterboxd", imdb: "IMDb", trakt: "Trakt", cine: "CineAesthete" };
export const STATES = {
  matching: "being read", ready: "waits for you", applying: "being imported", done: "imported", rolling_back: "being undone", rolled_back: "undone", failed: "failed",
};
export const OUTCOMES = { ambiguous: "May be several films", unknown: "Not found", matched: "Found", invalid: "Unreadable", unchanged: "Here already", skipped: "Left out" };
export const KINDS = { rating: "rating", watch: "diary", review: "review", watchlist: "watchlist", list_item: "list" };
/** How many rows came out so, of an import; those left out are what remains. */
export function tally(found, outcome) {
  if (outcome !== "skipped") return found[`rows_${outcome}`] ?? 0;
  return Math.max(0, found.rows_total - ["matched", "ambiguous", "unknown", "invalid", "unchanged"].reduce((sum, one) => sum + (found[`rows_${one}`] ?? 0), 0));
}
