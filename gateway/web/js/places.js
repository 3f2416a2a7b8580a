// The places of a signed-in person's own: what the corner menu leads to, in its order. A line each: [path, what it is called].

export const PLACES = [
  ["watchlist", "Watchlist"],
  ["lists", "Lists"],
  ["film-night", "Film nights"],
  ["group", "Group picks"],
  ["diary", "Diary"],
  ["ratings", "Ratings"],
  ["reviews", "Reviews"],
  ["year", "Year in film"],
  ["import", "Import"],
];
