// Numbers, times and names as people read them.

const whole = new Intl.NumberFormat("en");
// with states that are no more, which ISO 3166-1 has taken out
const GONE = { SU: "Soviet Union", CS: "Czechoslovakia", YU: "Yugoslavia", DD: "East Germany", zxx: "no spoken words" };
const names = { region: new Intl.DisplayNames(["en"], { type: "region" }), language: new Intl.DisplayNames(["en"], { type: "language" }) };
const SERVICES = { catalog: "the catalogue", recommender: "the recommender", identity: "the accounts service", ratings: "the service of ratings and reviews", watchlist: "the service of watchlists and lists" };

export const count = (number) => whole.format(number || 0);
export const plural = (number, one) => `${count(number)} ${one}${number === 1 ? "" : "s"}`;
export const stars = (film) => (film.rating_count > 0 ? film.average_rating.toFixed(1) : "");
export const percent = (share) => `${Math.round(share * 100)}%`;
export const yearAndDirector = (film) => [film.year, film.directors?.[0]].filter(Boolean).join(" · ");
/** A service of the mesh by the name people know it by. */
export const service = (name) => SERVICES[name] ?? name;

/** A time to wait, as people say it. */
export const wait = (seconds) => (seconds < 90 ? plural(seconds, "second") : plural(Math.ceil(seconds / 60), "minute"));

const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
/** A day, or a moment, of the contract's timestamps; empty where there is none. */
export const date = (stamp) => (stamp ? day.format(new Date(stamp)) : "");
export const time = (stamp) => (stamp ? moment.format(new Date(stamp)) : "");

export function runtime(minutes) {
  const hours = Math.floor((minutes || 0) / 60);
  return [hours && `${hours} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(" ");
}

/** Name of a country or language; the code itself where there is none. */
export function named(kind, code) {
  try {
    return GONE[code] ?? names[kind].of(code);
  } catch {
    return code;
  }
}
