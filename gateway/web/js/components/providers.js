// Buttons that lead to other providers to sign in or to link an identity.

import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { authorize, listProviders } from "../identity.js";
import { doing } from "./forms.js";

/** Sends the browser to a provider's page. */
export function visit({ authorization_url: address }) {
  const { protocol } = new URL(address);
  if (protocol !== "https:" && protocol !== "http:") throw new ApiError("broken", "The provider's address cannot be used.", "");
  location.assign(address);
}

/** One button for each provider that is set up, or nothing, and their `names`; `before` runs before the browser leaves. */
export function providerButtons(label, before = () => {}, start = authorize) {
  const node = h("div.providers");
  const names = new Map();
  const ready = listProviders().then(({ providers = [] }) => {
    for (const one of providers) names.set(one.provider, one.display_name);
    node.replaceChildren(...providers.map(({ provider, display_name: name }) => doing(label(name || provider), async () => {
      const answer = await start(provider);
      before();
      visit(answer);
    }, { kind: "wide" })));
  }, () => {}); // without the list, there still are the other ways in
  return { node, names, ready };
}
