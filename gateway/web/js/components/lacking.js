// What is said to somebody who must have a second factor and signed in without one.

import { h } from "../dom.js";
import { go, link } from "../router.js";
import { leave } from "../session.js";
import { explain, notice } from "./notice.js";

/** Whether nothing is open to a person but setting up a second factor. */
export const setupOnly = (person) => Boolean(person.second_factor_missing) && !person.roles?.length;

/** Where one sets it up. */
export const SETUP = "account/signin";

/** The block that says what to do, with the way on; nothing for whoever lacks nothing. `next` is where to go once that is done. */
export function lacking(person, next = "") {
  if (!person.second_factor_missing) return null;
  const who = setupOnly(person) ? "Everybody here signs in" : "Administrators sign in";
  if (!person.second_factor_enabled) {
    return notice("A second factor first", `${who} with a second factor: an authenticator app or a passkey. Set one up, then sign in with it.`,
      next === SETUP ? [] : [[link(SETUP), "Set up a second factor"]]);
  }
  const onward = setupOnly(person) ? "" : "admin";
  const button = h("button.button.primary", {
    type: "button",
    async onclick() {
      try {
        await leave();
        go(link("signin", { name: person.username, next: next === SETUP ? onward : next }));
      } catch (error) {
        block.querySelector(".notice-text").textContent = explain(error);
      }
    },
  }, "Sign in again");
  const block = notice("Now sign in with it", `Your second factor is set up. ${setupOnly(person) ? "Everything else opens" : "Administration opens"} when you have signed in with it.`, [button]);
  return block;
}
