// The corner of the page that says who is signed in.

import { announce, h } from "../dom.js";
import { PLACES } from "../places.js";
import { go, link } from "../router.js";
import { known, leave, onPerson, person, unsure } from "../session.js";
import { mark } from "./mark.js";
import { explain } from "./notice.js";

function menu(who) {
  const name = who.display_name || who.username;
  const out = h("button", { type: "button", onclick: signOut }, "Sign out");
  const list = h("ul.menu", { id: "who-menu", role: "list", hidden: true },
    h("li.menu-name", h("strong", name), h("span.quiet", `@${who.username}`)),
    PLACES.map(([path, text]) => h("li", h("a", { href: link(path) }, text))),
    h("li.menu-line", h("a", { href: link("account") }, "Account")),
    h("li", h("a", { href: link(`people/${who.username}`) }, "Public page")),
    [...who.roles ?? [], ...who.withheld_roles ?? []].includes("admin") && h("li", h("a", { href: link("admin") }, "Administration")),
    h("li", out));
  const button = h("button.who-button", { type: "button", "aria-expanded": "false", "aria-controls": "who-menu", onclick: () => show(list.hidden) }, mark(who.user_id), h("span.who-name", name));

  function show(yes) {
    list.hidden = !yes;
    button.ariaExpanded = String(yes);
  }
  async function signOut() {
    try {
      await leave();
      announce("Signed out");
      go("#/");
    } catch (error) {
      out.textContent = "Sign out again";
      list.querySelector(".form-error")?.remove();
      list.append(h("li.form-error", { role: "alert" }, `You are still signed in. ${explain(error)}`));
    }
  }
  const box = h("div.who-in", button, list);
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || list.hidden) return;
    show(false);
    button.focus();
  });
  box.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !box.contains(relatedTarget)) show(false); });
  list.addEventListener("click", ({ target }) => { if (target.closest("a")) show(false); });
  document.addEventListener("pointerdown", ({ target }) => { if (!box.contains(target)) show(false); });
  return box;
}

/** Keeps the corner right. */
export function personCorner(corner) {
  const draw = () => corner.replaceChildren(person() ? menu(person()) : h("a", { href: link("signin") }, "Sign in"));
  onPerson(draw);
  if (unsure()) {
    corner.replaceChildren(h("span.bar.waiting", { "aria-hidden": "true" }));
    known().then((who) => { if (!who) draw(); });
  } else draw();
}
