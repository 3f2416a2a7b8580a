// Signing in: name and password, a passkey or another provider; then a second factor, where the account has one.

import { codeField, doing, field, form, passwordField } from "../components/forms.js";
import { SETUP } from "../components/lacking.js";
import { notice } from "../components/notice.js";
import { passkeyLogin, passkeysWork } from "../components/passkeys.js";
import { providerButtons } from "../components/providers.js";
import { h, refill } from "../dom.js";
import { login, secondFactor } from "../identity.js";
import { again, go, link } from "../router.js";
import { enter, known } from "../session.js";

const BACK = "cine.back"; // where to go after a provider's page, which is another site
const onward = (next) => (/^[\w/?=&%.+-]*$/.test(next) ? `#/${next}` : "#/");

/** Takes an answer of a sign-in: in, or on to the second factor, which `ask` shows. */
export async function proceed(answer, next, ask) {
  if (answer.second_factor_required) return ask(challenge(answer, next));
  await enter(answer);
  return go(answer.second_factor_missing && !next ? link(SETUP) : onward(next));
}

/** Keeps where to go over a provider's page, and finds it again, once. */
export const keepWay = (next) => sessionStorage.setItem(BACK, next);
export function keptWay() {
  const next = sessionStorage.getItem(BACK) ?? "";
  sessionStorage.removeItem(BACK);
  return next;
}

/** The second step. */
export function challenge({ second_factor_token, second_factor_methods: methods = [] }, next) {
  const box = h("div");
  const onto = (answer) => proceed(answer, next, (node) => box.replaceChildren(node));
  const other = (text, show) => h("button.link", { type: "button", onclick: () => { show(); box.querySelector("input")?.focus(); } }, text);

  async function prove(proof) {
    try {
      await onto(await secondFactor({ second_factor_token, ...proof }));
    } catch (error) {
      if (error.reason !== "TICKET_INVALID") throw error;
      node.replaceChildren(h("h1", "Start again"), notice("This attempt has lapsed", "It took too long, or too many codes were wrong.", [h("button.button", { type: "button", onclick: again }, "Sign in")], "alert"));
    }
  }
  function byApp() {
    const code = codeField("code", "Code of your authenticator app", { hint: "Six digits, new every half minute." });
    box.replaceChildren(form({
      label: "Second factor", fields: [code], need: ["code"], button: "Go on",
      send: (values) => prove({ code: values.code.replace(/\D/g, "") }),
      more: methods.includes("recovery_code") && other("Use a recovery code", byRecovery),
    }).node);
  }
  function byRecovery() {
    const code = field("recovery_code", "Recovery code", { hint: "One of the ten you kept; it works once.", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "64" });
    box.replaceChildren(form({
      label: "Second factor", fields: [code], need: ["recovery_code"], button: "Go on",
      send: (values) => prove({ recovery_code: values.recovery_code.trim() }),
      more: methods.includes("totp") && other("Use the authenticator app", byApp),
    }).node);
  }
  if (methods.includes("totp")) byApp();
  else if (methods.includes("recovery_code")) byRecovery();
  else if (!passkeysWork()) box.replaceChildren(notice("Not in this browser", "This account asks for a passkey, which needs https and a browser that knows them."));
  const passkey = methods.includes("passkey") && passkeysWork() && h("p.ways", doing("Use a passkey", async () => { await onto(await passkeyLogin({ second_factor_token })); }, { kind: "wide" }));
  const node = h("div.entries-page", h("h1", "One more step"), h("p.quiet", "This account asks for a second proof that it is you."), box, passkey);
  return node;
}

export function signin(place) {
  const next = place.query.get("next") ?? "";
  const node = h("div.page.narrow");
  const ask = (content) => {
    node.replaceChildren(content);
    content.querySelector("input")?.focus();
  };
  const name = field("name", "User name or e-mail", { autocomplete: "username", autocapitalize: "off", spellcheck: "false", maxlength: "254" });
  name.input.value = place.query.get("name") ?? "";
  const password = passwordField("password", "Password");
  const enterForm = form({
    label: "Sign in", fields: [name, password], need: ["name", "password"], button: "Sign in", rename: { username: "name", email: "name" },
    async send({ name: who, password: secret }) {
      const body = who.includes("@") ? { email: who.trim() } : { username: who.trim() };
      try {
        await proceed(await login({ ...body, password: secret }), next, ask);
      } catch (error) {
        password.input.select();
        throw error;
      }
    },
    more: h("a", { href: link("forgot") }, "Forgot your password?"),
  });
  const passkey = passkeysWork() && doing("Sign in with a passkey", async () => {
    await proceed(await passkeyLogin(), next, ask);
  }, { kind: "wide" });
  const others = providerButtons((label) => `Go on with ${label}`, () => keepWay(next));
  refill(node, h("h1", "Sign in"), enterForm.node, h("div.ways", passkey, others.node),
    !isSecureContext && h("p.banner", "This page is not served over https: you will be signed out when you close or reload it."),
    h("p.quiet.else", "New here? ", h("a", { href: link("register") }, "Open an account")));

  const ready = Promise.all([others.ready, known()]).then(([, person]) => {
    // whoever is signed in has no business here
    if (person && !place.signal.aborted) go(onward(next));
  });
  return { title: "Sign in", node, ready };
}
