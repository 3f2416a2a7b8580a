// Taking one's data along, and leaving.

import { codeField, doing, field, form, passwordField } from "../components/forms.js";
import { h, section } from "../dom.js";
import { deleteAccount, exportAccount, getSecondFactor } from "../identity.js";
import { go, link } from "../router.js";
import { left } from "../session.js";
import { download } from "./secondfactor.js";

export async function data(person, signal) {
  const name = field("confirm_username", "Your user name, to be sure", { autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "32" });
  const fields = [name];
  if (person.has_password !== false) fields.push(passwordField("password", "Your password"));
  // the second factor may be a passkey, and then no code is asked for
  if (person.second_factor_enabled && (await getSecondFactor(signal)).totp_enabled) fields.push(codeField("code", "Code of your authenticator app"));
  return [
    section("section", "Take it along", h("p.quiet", "A JSON file with all that the accounts service knows of you: account, profile, preferences, sessions, linked identities, what happened to the account."),
      h("p.form-go", doing("Download your data", async () => {
        download(`cineaesthete-${person.username}.json`, await exportAccount());
        return "The file is there";
      }, { kind: "wide" })),
      h("p.quiet", "Ratings, diary and reviews come as files ", h("a", { href: link("import") }, "from their own page"), ", where you also bring in what you have elsewhere; watchlist and lists ", h("a", { href: link("watchlist") }, "from theirs"), ".")),
    section("section.danger", "Delete the account", h("p", "The account goes at once, and within seconds every part of CineAesthete drops or anonymises what it holds of you. There is no way back."),
      h("details.aside", h("summary", "I want to delete it"), form({
        label: "Delete the account", fields, need: fields.map((one) => one.name), button: "Delete the account for good",
        async send(values) {
          if (values.code) values.code = values.code.replace(/\D/g, "");
          await deleteAccount({ ...values, confirm_username: values.confirm_username.trim() });
          left();
          go("#/");
        },
      }).node)),
  ];
}
