// Where one is signed in, and the ways to end that.

import { doing } from "../components/forms.js";
import { h, items, refill as fillIn, section } from "../dom.js";
import { plural, time } from "../format.js";
import { endOtherSessions, endSession, listSessions } from "../identity.js";
import { go } from "../router.js";
import { left } from "../session.js";

const METHODS = { password: "with the password", passkey: "with a passkey" };

function entry(session, refill) {
  const { device_name: name, ip_address: address, place, method, current } = session;
  const facts = [
    [place, address].filter(Boolean).join(", "),
    `last used ${time(session.last_used_at)}`,
    `signed in ${time(session.created_at)}${method ? ` ${METHODS[method] ?? `through ${method}`}` : ""}`,
  ];
  const end = doing(current ? "Sign out" : "End", async () => {
    await endSession(session.session_id);
    if (current) {
      left();
      return go("#/");
    }
    await refill();
    return `${name || "The session"} has ended`;
  }, { label: current ? "Sign out here" : `End the session of ${name || "this device"}` });
  return h("div.item", h("div", h("strong", name || "A device"), current && h("span.tag.here", "this one"), facts.filter(Boolean).map((one) => h("p.quiet.small", one))), end);
}

export async function devices(_, signal) {
  const box = h("div");
  async function fill() {
    const list = [];
    let answer = { next_page_token: "" };
    do {
      answer = await listSessions(answer.next_page_token, signal);
      list.push(...(answer.sessions ?? []));
    } while (answer.next_page_token && list.length < 500);
    const others = list.filter((one) => !one.current);
    fillIn(box,
      h("p.quiet", `You are signed in at ${plural(list.length, "place")}. What you end here is refused everywhere within seconds.`),
      items("ul.items", list.map((one) => entry(one, fill))),
      others.length > 0 && h("p.form-go", doing("End all others", async () => {
        const { sessions_revoked: ended } = await endOtherSessions();
        await fill();
        return `${plural(ended, "session")} ended`;
      }, { kind: "wide" })));
  }
  await fill();
  return section("section", "Devices", box);
}
