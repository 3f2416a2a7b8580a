// The explorer: what is where, and the parts that every page has.

import { cineMatchHealth } from "./api.js";
import { searchBox } from "./components/searchbox.js";
import { plural } from "./format.js";
import { start } from "./router.js";
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

searchBox(document.getElementById("find"));
start(main, { "": home, search, film, match, list, "?": lost });

cineMatchHealth().then(
  (health) => `CineMatch is up and knows ${plural(health.num_items, "film")}.`,
  () => "CineMatch is not answering.",
).then((text) => { document.getElementById("foot-state").textContent = text; });
