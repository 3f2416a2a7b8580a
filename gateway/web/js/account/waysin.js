// The ways to sign in: password, second factor, passkeys, identities at other providers.

import { doing, field, form, passwordField } from "../components/forms.js";
import { lacking, SETUP, setupOnly } from "../components/lacking.js";
import { addPasskey, passkeysWork } from "../components/passkeys.js";
import { providerButtons } from "../components/providers.js";
import { failureNotice } from "../components/notice.js";
import { announce, h, items, refill as fillIn, section } from "../dom.js";
import { date, plural } from "../format.js";
import { changePassword, deletePasskey, listIdentities, listPasskeys, startLink, unlinkIdentity } from "../identity.js";
import { look } from "../session.js";
import { secondFactorSection } from "./secondfactor.js";

function password(person) {
  const old = passwordField("current_password", "Password so far");
  const fresh = passwordField("new_password", "New password", { fresh: true, hint: "At least 8 characters, and nothing you use elsewhere." });
  const made = form({
    label: "Password", fields: person.has_password === false ? [fresh] : [old, fresh], need: ["current_password", "new_password"], button: person.has_password === false ? "Set a password" : "Change the password", rename: { password: "new_password" },
    async send(values) {
      const { sessions_revoked: ended } = await changePassword({ current_password: "", ...values });
      made.clear();
      await look();
      return ended ? `The password is set, and ${plural(ended, "other session")} ended.` : "The password is set.";
    },
  });
  // for programs that keep passwords: whose it is
  made.node.prepend(h("input", { type: "text", hidden: true, readonly: true, autocomplete: "username", "aria-label": "User name", value: person.username }));
  return section("section", "Password", made.node);
}

/** A list that is drawn anew after a change. */
function growing(box, load, draw) {
  const refill = async () => {
    try {
      fillIn(box, draw(await load(), refill));
    } catch (error) {
      box.replaceChildren(failureNotice(error, refill));
    }
  };
  return refill;
}

const entry = (title, facts, way) => h("div.item", h("div", h("strong", title), h("p.quiet.small", facts.filter(Boolean).join(" · "))), way);

function passkeys(signal, changed) {
  const box = h("div");
  const fill = growing(box, () => listPasskeys(signal), ({ passkeys: list = [] }, refill) => {
    const name = field("name", "Name of the new passkey", { hint: "Such as the device it lives in. May stay empty.", maxlength: "80" });
    return [
      list.length ? items("ul.items", list.map((one) => entry(one.name || "Passkey", [`added ${date(one.created_at)}`, one.last_used_at && `used ${date(one.last_used_at)}`, one.synced && "kept in several devices"],
        doing("Remove", async () => {
          await deletePasskey(one.passkey_id);
          await refill();
          await changed();
          return `${one.name || "The passkey"} is removed`;
        }, { label: `Remove ${one.name || "passkey"}` })))) : h("p.quiet", "None yet. A passkey signs you in with a fingerprint, a face or a device's own code."),
      passkeysWork() ? form({
        label: "Add a passkey", fields: [name], button: "Add a passkey", primary: false,
        async send(values) {
          await addPasskey(values.name.trim());
          await refill();
          await changed();
          announce("The passkey is added");
        },
      }).node : h("p.quiet.small", "This browser cannot add one here: that needs https."),
    ];
  });
  return [section("section", "Passkeys", box), fill()];
}

function identities(signal) {
  const box = h("div");
  const others = providerButtons((name) => `Link ${name}`, () => {}, startLink);
  const named = (provider) => others.names.get(provider) || provider;
  const fill = growing(box, () => others.ready.then(() => listIdentities(signal)), ({ identities: list = [] }, refill) =>
    (list.length ? items("ul.items", list.map((one) => entry(named(one.provider), [one.label, `linked ${date(one.linked_at)}`, one.last_used_at && `used ${date(one.last_used_at)}`],
      doing("Unlink", async () => {
        await unlinkIdentity(one.identity_id);
        await refill();
        return `${named(one.provider)} is unlinked`;
      }, { label: `Unlink ${named(one.provider)} ${one.label}` })))) : h("p.quiet", "No other provider is linked.")));
  return [section("section", "Other providers", box, others.node), Promise.all([fill(), others.ready])];
}

export async function waysIn(person, signal) {
  const wanted = h("div");
  const say = (who) => fillIn(wanted, lacking(who, SETUP));
  const changed = async () => say(await look());
  say(person);
  const [second, filled2] = secondFactorSection(person, signal, changed);
  const [keys, filled3] = passkeys(signal, changed);
  // the rest opens with the second factor
  if (setupOnly(person)) {
    await Promise.all([filled2, filled3]);
    return [wanted, second, keys];
  }
  const [linked, filled4] = identities(signal);
  await Promise.all([filled2, filled3, filled4]);
  return [wanted, password(person), second, keys, linked];
}
