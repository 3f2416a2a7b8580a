// A forgotten password: the mail, and the new one.

import { field, form, passwordField } from "../components/forms.js";
import { h } from "../dom.js";
import { forgotPassword, resetPassword } from "../identity.js";
import { link } from "../router.js";
import { left } from "../session.js";

export function forgot() {
  const email = field("email", "E-mail address", { type: "email", autocomplete: "email", maxlength: "254", autocapitalize: "off", spellcheck: "false" });
  const node = h("div.page.narrow", h("h1", "Forgot your password?"), h("p.quiet", "Say which address the account has; a mail brings a link to choose a new one."),
    form({
      label: "Ask for a new password", fields: [email], need: ["email"], button: "Send the mail",
      send: async (values) => (await forgotPassword(values.email.trim())).message || "If the address has an account, a mail is on its way.",
    }).node,
    h("p.quiet.else", h("a", { href: link("signin") }, "Back to signing in")));
  return { title: "Forgot your password", node };
}

export function reset({ query }) {
  const token = query.get("token");
  const node = h("div.page.narrow", h("h1", "Choose a new password"));
  const lapsed = () => [h("p.banner", { role: "alert" }, "The link was used, or is older than an hour. Each mail's link works once."), h("p.form-go", h("a.button.primary", { href: link("forgot") }, "Ask for another mail"))];
  if (!token) node.append(...lapsed());
  else {
    const password = passwordField("password", "New password", { fresh: true, hint: "At least 8 characters, and nothing you use elsewhere." });
    node.append(form({
      label: "New password", fields: [password], need: ["password"], button: "Set the password",
      async send(values) {
        try {
          await resetPassword({ token, password: values.password });
        } catch (error) {
          if (error.reason !== "TICKET_INVALID" && !error.about?.("token").length) throw error;
          return void node.replaceChildren(h("h1", "This link no longer works"), ...lapsed());
        }
        left(); // every session of the account has ended, that of this browser with them
        node.replaceChildren(h("h1", { tabindex: "-1" }, "The password is set"), h("p.quiet", "You are signed out everywhere. Sign in with the new one."),
          h("p.form-go", h("a.button.primary", { href: link("signin") }, "Sign in")));
        node.querySelector("h1").focus();
        return undefined;
      },
    }).node);
  }
  return { title: "Choose a new password", node };
}
