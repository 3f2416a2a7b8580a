// One's vote: the films one would see, best first, and those one cannot bear.

import { doing } from "../components/forms.js";
import { cardOf, filmLine } from "../components/filmline.js";
import { ordering } from "../components/order.js";
import { announce, h, refill, section } from "../dom.js";
import { plural } from "../format.js";
import { castVote, removeCandidate } from "../watchlist.js";

/** The section. `changed(night)` hears of a film night that is another one now; `update(night)` takes over what others did. */
export function voting(night, person, changed) {
  let ranked = night.my_ranked_movie_ids ?? [];
  let struck = night.my_vetoed_movie_ids ?? [];
  let cast = false;
  const order = h("ol.lines", { role: "list", "aria-label": "Your order, best first" });
  const rest = h("ul.lines", { role: "list", "aria-label": "Films you have not ranked" });
  const hint = h("p.quiet");
  const left = h("p.quiet");
  const said = h("p", { role: "status" });
  const hands = ordering(order, async () => {}, () => {}, () => {
    ranked = [...order.children].map((one) => Number(one.dataset.id));
    unsaid();
    number();
  });

  const candidate = (id) => night.candidates.find((one) => one.movie_id === id);
  const number = () => order.querySelectorAll(".line-place").forEach((one, i) => { one.textContent = i + 1; });
  const unsaid = () => { said.textContent = cast ? "Changed, and not cast yet." : ""; };

  /** Puts a film among the ranked, the struck, or neither. */
  function put(id, where) {
    ranked = ranked.filter((one) => one !== id);
    struck = struck.filter((one) => one !== id);
    if (where === "ranked") ranked.push(id);
    if (where === "struck") struck.push(id);
    unsaid();
    draw();
    const { title } = cardOf(candidate(id));
    announce({ ranked: `${title} is number ${ranked.length}`, struck: `${title} is struck out`, rest: `${title} is not ranked` }[where]);
  }
  const button = (id, text, label, where) => h("button.button.small", { type: "button", "data-part": id, "aria-label": label, onclick: () => put(id, where) }, text);

  function line(one, ways, placed) {
    const film = cardOf(one);
    const li = h(placed ? "li.line.placed" : "li.line", { "data-id": one.movie_id, "data-name": film.title });
    if (struck.includes(one.movie_id)) li.classList.add("struck");
    const mine = one.proposed_by_username === person.username || night.host_username === person.username;
    refill(li, placed && h("span.line-place"), filmLine(film, h("p.quiet.small", `proposed by @${one.proposed_by_username}`),
      one.vetoed && h("p.line-fact", h("span.tag", "struck out"), " Somebody cannot bear it.")),
    h("div.line-ways", ways(film), mine && doing("Withdraw", async () => {
      await removeCandidate(night.film_night_id, one.movie_id);
      changed({ ...night, candidates: night.candidates.filter((other) => other.movie_id !== one.movie_id) });
      return `${film.title} is withdrawn`;
    }, { label: `Withdraw ${film.title}`, kind: "small.mild" }), placed && hands.grips(li)));
    return li;
  }
  function draw() {
    const at = document.activeElement?.dataset?.part;
    const there = new Set(night.candidates.map((one) => one.movie_id));
    ranked = ranked.filter((id) => there.has(id));
    struck = struck.filter((id) => there.has(id));
    const spare = night.vetoes_per_person - struck.length;
    order.replaceChildren(...ranked.map((id) => line(candidate(id), (film) => button(id, "Leave out", `Leave ${film.title} out of your order`, "rest"), true)));
    rest.replaceChildren(...night.candidates.filter((one) => !ranked.includes(one.movie_id)).map((one) => line(one, (film) => (struck.includes(one.movie_id)
      ? [button(one.movie_id, "Bear it", `Do not strike ${film.title} out`, "rest")]
      : [button(one.movie_id, "Rank", `Rank ${film.title}`, "ranked"), spare > 0 && button(one.movie_id, "Strike out", `Strike ${film.title} out`, "struck")]))));
    order.hidden = !ranked.length;
    hint.hidden = ranked.length > 0 || !night.candidates.length;
    hint.textContent = "Rank the films you would see, best first. Those you leave out count below all others.";
    left.textContent = night.vetoes_per_person ? `You may strike out ${plural(Math.max(0, spare), "more film")}.` : "Nobody strikes films out here.";
    number();
    if (at) [...order.querySelectorAll("[data-part]"), ...rest.querySelectorAll("[data-part]")].find((one) => one.dataset.part === at)?.focus({ preventScroll: true });
  }
  const go = doing("Cast my vote", async () => {
    const answer = await castVote(night.film_night_id, { ranked_movie_ids: ranked, vetoed_movie_ids: struck });
    ranked = answer.ranked_movie_ids ?? [];
    struck = answer.vetoed_movie_ids ?? [];
    cast = true;
    said.textContent = `Your vote counts, one of ${answer.vote_count}. Until the vote ends you can replace it.`;
    draw();
    changed();
  }, { kind: "primary" });
  const me = night.participants?.find((one) => one.user_id === person.user_id);
  if (me?.has_voted) {
    cast = true;
    said.textContent = "Your vote counts. Until the vote ends you can replace it.";
  }
  draw();
  return {
    node: section("section.vote", "Your vote", hint, order, h("h3", { hidden: !night.candidates.length }, "Films"), rest, left, h("p.form-go", go, said)),
    update(fresh) {
      night = fresh;
      if (!order.querySelector(".dragged")) draw();
    },
  };
}
