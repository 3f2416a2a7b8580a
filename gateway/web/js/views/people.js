// A person as others see them.

import { getMovie } from "../api.js";
import { row } from "../components/films.js";
import { mark } from "../components/mark.js";
import { failureNotice, notice } from "../components/notice.js";
import { h, refill } from "../dom.js";
import { date } from "../format.js";
import { publicProfile } from "../identity.js";
import { link } from "../router.js";
import { person } from "../session.js";
import { lost, WAYS } from "./lost.js";

function elsewhere(address) {
  if (!URL.canParse(address) || new URL(address).protocol !== "https:") return "";
  return h("a", { href: address, rel: "noopener noreferrer nofollow ugc" }, new URL(address).host, " ↗");
}

export function people({ parts, signal }) {
  const name = parts[1] ?? "";
  if (!name || parts.length > 2) return lost();
  const node = h("div.page.waiting", h("h1", name));

  async function fill() {
    const shown = await publicProfile(name, signal);
    const own = person()?.user_id === shown.user_id;
    const films = (await Promise.allSettled((shown.favourite_movie_ids ?? []).map((id) => getMovie(id, signal)))).map(({ value }) => value).filter(Boolean);
    const facts = [shown.location, shown.website_url && elsewhere(shown.website_url), shown.created_at && `here since ${date(shown.created_at)}`].filter(Boolean);
    refill(node,
      h("div.person-top", mark(shown.user_id, "mark.large"), h("div", h("h1", shown.display_name || shown.username), h("p.quiet", `@${shown.username}`), h("p.person-facts", facts.map((one) => h("span", one))))),
      shown.bio && h("p.bio", shown.bio),
      films.length > 0 && row("Films to show anybody", films),
      own && h("p.form-go", h("a.button", { href: link("account") }, "Change what is here")));
    return shown.display_name || shown.username;
  }
  const ready = fill().catch((error) => {
    if (!signal.aborted) node.replaceChildren(h("h1", error.kind === "missing" ? "Nobody of that name" : name), error.kind === "missing" ? notice("There is no such person", "The account may be gone, or a letter is wrong.", WAYS) : failureNotice(error));
  }).finally(() => node.classList.remove("waiting"));
  return { title: name, node, ready };
}
