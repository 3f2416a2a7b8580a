// Under a film of a row: the way to say that one does not want it, and the way back.

import { attempts } from "../attempt.js";
import { doing } from "../components/forms.js";
import { explain } from "../components/notice.js";
import { h } from "../dom.js";
import { setupOnly } from "../components/lacking.js";
import { known, person } from "../session.js";
import { sendFeedback, undoFeedback } from "./calls.js";

/** Lets tile `li` of `film` be refused; `answer` names the answer it was shown in, at place `rank`. */
export function refusable(li, film, answer, rank) {
  const once = attempts();
  const button = doing("Not interested", async () => {
    const { feedback_id: id } = await once({ movie_id: film.movie_id, kind: "not_interested", recommendation_request_id: answer, rank }, sendFeedback);
    const before = [...li.childNodes];
    const said = h("p.form-error", { role: "alert", hidden: true });
    const back = h("button.button.small", { type: "button" }, "Undo");
    back.addEventListener("click", async () => {
      if (back.hasAttribute("aria-disabled")) return;
      back.setAttribute("aria-disabled", "true");
      try {
        await undoFeedback(id);
        li.classList.remove("refused");
        li.replaceChildren(...before);
        button.querySelector("button").focus({ preventScroll: true });
      } catch (error) {
        said.textContent = explain(error);
        said.hidden = false;
        back.removeAttribute("aria-disabled");
      }
    });
    li.classList.add("refused");
    li.replaceChildren(h("p.quiet", { role: "status" }, `${film.title} will not be picked for you.`), back, said);
    back.focus({ preventScroll: true });
  }, { label: `Not interested: ${film.title}`, kind: "mild" });
  li.append(button);
}

/** Lets the films of a row be refused by whoever is signed in; at once where that is known, so that nothing moves later. */
export async function refusals(row, { recommendations = [], request_id: answer = "" }) {
  const who = person() ?? await known();
  if (!who || setupOnly(who)) return;
  row.dataset.personal = "";
  row.querySelectorAll(".tile").forEach((li, i) => {
    const { movie, rank } = recommendations[i];
    if (movie) refusable(li, movie, answer, rank);
  });
}
