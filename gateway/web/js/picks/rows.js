// Rows of films, each for one film that was liked lately.

import { listServices } from "../api.js";
import { filmLink, rowSkeleton } from "../components/films.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, freshId, h, refill } from "../dom.js";
import { plural } from "../format.js";
import { link } from "../router.js";
import { listRows } from "./calls.js";
import { pickRow } from "./onerow.js";
import { lacks } from "./words.js";

const ROWS = 5;
const FILMS = 12;

const oneRow = ({ because, recommendations }, answer) =>
  pickRow(["Because you watched ", h("a", { href: filmLink(because) }, because.title)], { recommendations, request_id: answer });

/** The content of the page. */
export async function rows(place) {
  const { signal } = place;
  const box = h("div.rows-mine");
  const chosen = place.query.get("service") ?? "";
  const { services = [] } = await listServices(signal).catch(() => ({}));
  const id = freshId();
  const options = services.map(({ value }) => value);
  if (chosen && !options.includes(chosen)) options.push(chosen);
  const select = h("select", { id, name: "service", onchange: () => {
    history.replaceState(history.state, "", link("for-you/because", { service: select.value }));
    fill();
  } }, h("option", { value: "" }, "Any service"), options.map((value) => h("option", { value, selected: value === chosen }, value)));
  let turn = 0;
  async function fill() {
    turn += 1;
    const mine = turn;
    refill(box, rowSkeleton("Because you watched …"));
    try {
      const answer = await listRows({ rows: ROWS, row_size: FILMS, service: select.value }, signal);
      if (mine !== turn) return;
      const found = (answer.rows ?? []).filter((one) => one.because && one.recommendations?.length);
      refill(box, lacks(answer), found.length ? found.map((one) => oneRow(one, answer.request_id)) : notice("No rows yet", select.value ? "Nothing on this service goes with what you liked lately." : "They come with what you watch and like: rate a film, or note in your diary what you have seen.",
        [[link("for-you/start"), "Rate a few films"], [link("search"), "Browse films"]]));
      announce(plural(found.length, "row"));
    } catch (error) {
      if (mine === turn && !signal.aborted) refill(box, failureNotice(error, fill));
    }
  }
  await fill();
  return [h("div.choosers", h("div.field", h("label", { for: id }, "On"), select)), box];
}
