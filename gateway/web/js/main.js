// The explorer: what is where, and the parts that every page has.

import { cineMatchHealth } from "./api.js";
import { personCorner } from "./components/person.js";
import { searchBox } from "./components/searchbox.js";
import { plural } from "./format.js";
import { later } from "./later.js";
import { again, start } from "./router.js";
import { onPerson, person } from "./session.js";
import { film } from "./views/film.js";
import { home } from "./views/home.js";
import { list } from "./views/list.js";
import { lost } from "./views/lost.js";
import { match } from "./views/match.js";
import { search } from "./views/search.js";

const main = document.getElementById("main");

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is where one is: it must not change
  main.focus();
  main.scrollIntoView();
});

const shared = later("A list", () => import("./views/shared.js").then((views) => views.shared));

searchBox(document.getElementById("find"));
personCorner(document.getElementById("who"));
start(main, {
  "": home, search, film, match, list: (place) => (place.query.has("token") ? shared(place) : list(place)), "?": lost,
  signin: later("Sign in", () => import("./views/signin.js").then((views) => views.signin)),
  register: later("Open an account", () => import("./views/register.js").then((views) => views.register)),
  verify: later("Verify your address", () => import("./views/register.js").then((views) => views.verify), { taken: true }),
  forgot: later("Forgot your password", () => import("./views/password.js").then((views) => views.forgot)),
  reset: later("Choose a new password", () => import("./views/password.js").then((views) => views.reset), { taken: true }),
  oauth: later("Signing in", () => import("./views/oauth.js").then((views) => views.oauth), { taken: true }),
  account: later("Account", () => import("./views/account.js").then((views) => views.account)),
  canon: later("Canon", () => import("./views/canon.js").then((views) => views.canon)),
  "film-night": later("Film nights", () => import("./views/filmnight.js").then((views) => views.filmNight)),
  "for-you": later("For you", () => import("./views/foryou.js").then((views) => views.forYou)),
  group: later("Group picks", () => import("./views/group.js").then((views) => views.group)),
  import: later("Import", () => import("./views/import.js").then((views) => views.imports)),
  lists: later("Lists", () => import("./views/lists.js").then((views) => views.lists)),
  watchlist: later("Watchlist", () => import("./views/watchlist.js").then((views) => views.watchlist)),
  diary: later("Diary", () => import("./views/diary.js").then((views) => views.diary)),
  ratings: later("Ratings", () => import("./views/ratings.js").then((views) => views.ratings)),
  reviews: later("Reviews", () => import("./views/reviews.js").then((views) => views.reviews)),
  review: later("Review", () => import("./views/reviews.js").then((views) => views.review)),
  year: later("Year in film", () => import("./views/year.js").then((views) => views.year)),
  people: later("People", () => import("./views/people.js").then((views) => views.people)),
  admin: later("Administration", () => import("./views/admin.js").then((views) => views.admin)),
});

let before = person()?.user_id;
onPerson((now) => {
  // a page about somebody must not outlast their sign-in
  if (before && before !== now?.user_id && main.querySelector("[data-personal]")) again();
  before = now?.user_id;
});

cineMatchHealth().then(
  (health) => `CineMatch is up and knows ${plural(health.num_items, "film")}.`,
  () => "CineMatch is not answering.",
).then((text) => { document.getElementById("foot-state").textContent = text; });
