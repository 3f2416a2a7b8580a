// The second factor: a secret for an authenticator app, the first code, and the recovery codes, which are shown once.

import { codeField, doing, field, form, passwordField } from "../components/forms.js";
import { failureNotice } from "../components/notice.js";
import { qrCode } from "../components/qr.js";
import { announce, h, items, refill, section } from "../dom.js";
import { plural } from "../format.js";
import { confirmTotp, disableTotp, enrolTotp, getSecondFactor, replaceRecoveryCodes } from "../identity.js";

const SHORT = { hint: "Six digits from the authenticator app." };

/** Hands text over as a file. */
export function download(name, content) {
  const url = URL.createObjectURL(content);
  const anchor = h("a", { href: url, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The recovery codes, and ways to keep them; `done` leads on. */
function shown(codes, done) {
  const text = `${codes.join("\n")}\n`;
  return h("div.codes", h("h3", { tabindex: "-1" }, "Recovery codes"),
    h("p", "Each lets you in once when the app is lost. They are shown now and never again: print them, or keep them in a safe place."),
    items("ol.code-list", codes.map((code) => h("code", code)), "Recovery codes"),
    h("p.form-go",
      navigator.clipboard && doing("Copy", async () => {
        await navigator.clipboard.writeText(text);
        return "Copied";
      }),
      h("button.button.small", { type: "button", onclick: () => download("cineaesthete-recovery-codes.txt", new Blob([text], { type: "text/plain" })) }, "Download"),
      h("button.button.small.primary", { type: "button", onclick: done }, "I have kept them")));
}

/** The secret, as a picture to scan and as letters to type. */
function secret({ secret: letters, otpauth_uri: address }) {
  const picture = qrCode(address);
  return h("div.secret", picture && h("div.qr", picture), h("div",
    h("p", "Scan the picture with an authenticator app, open it in ", h("a", { href: address }, "an app on this device"), ", or type the secret:"),
    h("p", h("code.letters", letters.replace(/(.{4})(?=.)/g, "$1 "))),
    h("p.quiet.small", "Then type the code that the app shows.")));
}

/** The section; `changed()` is called when the second factor has been turned on or off. */
export function secondFactorSection(person, signal, changed) {
  const box = h("div");
  const show = (...content) => refill(box, content);
  const keep = (codes) => {
    show(shown(codes, fill));
    box.querySelector("h3").focus();
  };

  function off() {
    const words = passwordField("password", "Your password");
    show(h("p.quiet", "Off. With it, signing in asks for a code of an app as well as the password."), form({
      label: "Turn the second factor on", fields: person.has_password === false ? [] : [words], need: ["password"], button: "Set it up", primary: false,
      content: person.has_password === false ? h("span") : undefined,
      async send({ password = "" }) {
        const made = await enrolTotp(password);
        const code = codeField("code", "Code", SHORT);
        show(secret(made), form({
          label: "Confirm the second factor", fields: [code], need: ["code"], button: "Turn it on",
          async send(values) {
            const { recovery_codes: codes } = await confirmTotp(values.code.replace(/\D/g, ""));
            keep(codes);
            announce("The second factor is on");
            await changed();
          },
          more: h("button.link", { type: "button", onclick: fill }, "Not now"),
        }).node);
        code.focus();
      },
    }).node);
  }

  function on({ recovery_codes_left: left }) {
    const code = codeField("code", "Code", SHORT);
    const proof = field("proof", "Code, or a recovery code", { autocomplete: "one-time-code", maxlength: "64", spellcheck: "false" });
    show(h("p", "On. ", h("span.quiet", `${plural(left, "recovery code")} left.`)),
      h("details.aside", h("summary", "New recovery codes"), form({
        label: "New recovery codes", fields: [code], need: ["code"], button: "Make new ones", primary: false,
        send: async (values) => keep((await replaceRecoveryCodes(values.code.replace(/\D/g, ""))).recovery_codes),
      }).node),
      h("details.aside", h("summary", "Turn it off"), form({
        label: "Turn the second factor off", fields: [proof], need: ["proof"], button: "Turn it off", primary: false, rename: { code: "proof", recovery_code: "proof" },
        async send(values) {
          const text = values.proof.trim();
          await disableTotp(/^\d{6}$/.test(text) ? { code: text } : { recovery_code: text });
          announce("The second factor is off");
          await changed();
          await fill();
        },
      }).node));
  }

  async function fill() {
    try {
      const state = await getSecondFactor(signal);
      if (state.totp_enabled) on(state);
      else off();
    } catch (error) {
      show(failureNotice(error, fill));
    }
  }
  return [section("section", "Second factor", box), fill()];
}
