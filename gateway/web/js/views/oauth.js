// Back from another provider's page: what it sent goes to Identity, and the person goes where they wanted.

import { notice } from "../components/notice.js";
import { h } from "../dom.js";
import { oauthCallback } from "../identity.js";
import { go, link } from "../router.js";
import { known } from "../session.js";
import { keptWay, proceed } from "./signin.js";

export function oauth({ parts, query, signal }) {
  const node = h(`div.page.narrow${query.size ? ".waiting" : ""}`, h("h1", "Signing in"), h("p.quiet", "One moment."));
  const ask = (content) => node.replaceChildren(content);
  const failed = (text) => node.replaceChildren(h("h1", "That did not work"), notice("You are not signed in through this provider", text, [[link("signin"), "Other ways to sign in"], ["#/", "Home"]], "alert"));
  async function ready() {
    const next = keptWay();
    try {
      const answer = await oauthCallback(parts[1] ?? "", query);
      if (signal.aborted) return;
      if (answer.linked && !answer.access_token) {
        await known();
        go(link("account/signin"));
      } else await proceed(answer, answer.linked ? "account/signin" : next, ask);
    } catch (error) {
      failed(query.get("error") === "access_denied" ? "You, or the provider, said no." : error.message);
    }
    node.classList.remove("waiting");
  }
  return { title: "Signing in", node, ready: query.size ? ready() : failed("This page is for coming back from a provider.") };
}
