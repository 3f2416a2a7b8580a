// Opening an account, and proving that one reads the mail of its address.

import { codeField, field, form, passwordField } from "../components/forms.js";
import { notice } from "../components/notice.js";
import { h } from "../dom.js";
import { register as open, resendVerification, verifyEmail } from "../identity.js";
import { link } from "../router.js";

const emailField = (value = "") => {
  const made = field("email", "E-mail address", { type: "email", autocomplete: "email", maxlength: "254", autocapitalize: "off", spellcheck: "false" });
  made.input.value = value;
  return made;
};

function show(node, ...content) {
  node.replaceChildren(...content);
  const heading = node.querySelector("h1");
  heading.setAttribute("tabindex", "-1");
  heading.focus();
}

const opened = (node, account) => show(node, h("h1", "Your account is open"), h("p.quiet", `${account.email || "The address"} is verified. Sign in to go on.`),
  h("p.form-go", h("a.button.primary", { href: link("signin", { name: account.username }) }, "Sign in")));

/** The forms for whoever waits for the mail: the code in it, or the mail once more. */
function waiting(node, email = "") {
  const known = email ? [] : [emailField()];
  const code = codeField("code", "Code from the mail", { hint: "Six digits, good for ten minutes. The link in the mail does the same." });
  const again = [emailField(email)];
  return [
    form({
      label: "Verify with a code", fields: [...known, code], need: ["email", "code"], button: "Verify", rename: { token: "code" },
      send: async (values) => opened(node, await verifyEmail({ email: (values.email ?? email).trim(), code: values.code.replace(/\D/g, "") })),
    }).node,
    h("details.aside", h("summary", "No mail came"), form({
      label: "Send the mail again", fields: again, need: ["email"], button: "Send it again", primary: false,
      send: async (values) => (await resendVerification(values.email.trim())).message || "If the address waits for it, a mail is on its way.",
    }).node),
  ];
}

export function register() {
  const node = h("div.page.narrow");
  const name = field("username", "User name", { hint: "3 to 32 letters, digits, dots, dashes. Others see it.", autocomplete: "username", autocapitalize: "off", spellcheck: "false", maxlength: "32" });
  const email = emailField();
  const password = passwordField("password", "Password", { fresh: true, hint: "At least 8 characters. A few unrelated words are better than one with tricks." });
  let attempt = {};
  node.append(h("h1", "Open an account"), h("p.quiet", "For your own ratings, lists and recommendations. The films are there without one."),
    form({
      label: "Open an account", fields: [name, email, password], need: ["username", "email", "password"], button: "Open the account",
      async send(values) {
        const asked = { username: values.username.trim(), email: values.email.trim(), password: values.password };
        const text = JSON.stringify(asked);
        // the same attempt keeps its name when it is sent again
        if (attempt.text !== text) attempt = { text, id: crypto.randomUUID?.() ?? "" };
        await open({ ...asked, locale: navigator.language, request_id: attempt.id });
        show(node, h("h1", "Look into your mail"), h("p.quiet", "A mail is on its way to ", h("strong", asked.email), ". Its link, or the code in it, opens the account."), ...waiting(node, asked.email));
      },
    }).node,
    h("p.quiet.else", "You have one? ", h("a", { href: link("signin") }, "Sign in")));
  return { title: "Open an account", node };
}

export function verify({ query }) {
  const node = h("div.page.narrow");
  const token = query.get("token");
  const byCode = () => [h("h1", "Verify your address"), h("p.quiet", "With the code of the mail, if its link did not work."), ...waiting(node)];
  if (!token) node.append(...byCode());
  else {
    // a press of a button, so that programs which look into links of mails open no account
    const send = async () => {
      try {
        opened(node, await verifyEmail({ token }));
      } catch (error) {
        if (error.kind === "offline" || error.kind === "unavailable" || error.kind === "limited") throw error;
        show(node, h("h1", "This link no longer works"), notice("It was used, or is older than a day", "If the account is not open yet, ask for another mail."), ...waiting(node));
      }
    };
    node.append(h("h1", "Verify your address"), form({ label: "Verify your address", fields: [], button: "Open my account", send, content: h("p.quiet", "One press, and the account is yours.") }).node);
  }
  return { title: "Verify your address", node };
}
