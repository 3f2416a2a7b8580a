// Who works on a list, whom to ask, and the link that shows it to others.

import { attempts } from "../attempt.js";
import { shareAddress } from "../components/address.js";
import { confirming } from "../components/confirm.js";
import { doing, field, form } from "../components/forms.js";
import { mark } from "../components/mark.js";
import { explain } from "../components/notice.js";
import { announce, h, items, refill, section } from "../dom.js";
import { date } from "../format.js";
import { go, link } from "../router.js";
import { invite, removePerson, setRole, shareList, unshareList } from "../watchlist.js";

const ROLES = [["viewer", "may look at it"], ["editor", "may change its films"]];

const roleSelect = (value, attributes = {}) => h("select", attributes, ROLES.map(([role, label]) => h("option", { value: role, selected: role === value }, label)));

// One person; for the owner with the role to choose, for oneself with the way off the list.
function entry(list, one, person) {
  const said = h("p.form-error", { role: "alert", hidden: true });
  const line = h("div.item");
  const self = one.user_id === person?.user_id;
  const owner = list.my_role === "owner";
  const gone = (text) => refill(line, h("p", { role: "status" }, text));
  const select = roleSelect(one.role, { "aria-label": `What @${one.username} may do` });
  select.addEventListener("change", async () => {
    said.hidden = true;
    try {
      one = { ...one, ...await setRole(list.list_id, one.user_id, select.value) };
      announce(`@${one.username} ${Object.fromEntries(ROLES)[one.role]}`);
    } catch (error) {
      select.value = one.role;
      said.textContent = `It is as it was. ${explain(error)}`;
      said.hidden = false;
    }
  });
  const ways = [];
  if (one.role === "owner") ways.push(h("span.quiet", "owner"));
  else if (owner) {
    ways.push(select, doing("Remove", async () => {
      await removePerson(list.list_id, one.user_id);
      gone(`@${one.username} is off the list.`);
      return `@${one.username} is off the list`;
    }, { label: `Take @${one.username} off the list` }));
  } else {
    ways.push(h("span.quiet", Object.fromEntries(ROLES)[one.role]));
    if (self) {
      ways.push(confirming("Leave the list", "You lose what you may do here.", "Leave it", async () => {
        await removePerson(list.list_id, one.user_id);
        go(link("lists"));
        return "You have left the list";
      }));
    }
  }
  refill(line, h("div.with-mark", mark(one.user_id), h("div", h("a", { href: link(`people/${one.username}`) }, h("strong", `@${one.username}`)), self && h("span.tag.here", "you"),
    one.joined_at && h("p.quiet.small", `since ${date(one.joined_at)}`), said)), h("span.line-ways", ways));
  return line;
}

function invitation(list) {
  const once = attempts();
  const name = field("username", "User name", { maxlength: "32", autocomplete: "off", autocapitalize: "off", spellcheck: "false", hint: "As it stands on their public page, without the @." });
  const role = field("role", "What they may do", { control: roleSelect("viewer") });
  const made = form({
    label: "Invite somebody", fields: [name, role], need: ["username"], button: "Invite", primary: false,
    async send(values) {
      const answer = await once({ username: values.username.trim().replace(/^@/, ""), role: values.role }, (body) => invite(list.list_id, body));
      name.input.value = "";
      return `Asked: @${answer.username}. If somebody has that name, the invitation waits for them under “Lists”, until ${date(answer.expires_at)}.`;
    },
  });
  return section("section", "Invite somebody", made.node);
}

function share(list) {
  const box = h("div");
  function draw(url) {
    if (list.visibility === "PRIVATE") {
      refill(box, h("p.quiet", "A private list has no link. ", h("a", { href: link(`lists/${list.list_id}/settings`) }, "Make it unlisted or public"), " first."));
    } else if (url) {
      refill(box, shareAddress(url, "Whoever has it sees the list"),
        h("p.form-go", confirming("Take the link back", "It opens nothing any more, for nobody.", "Take it back", async () => {
          await unshareList(list.list_id);
          draw("");
          box.querySelector("button").focus();
          return "The link opens nothing any more";
        })));
    } else {
      refill(box, h("p.quiet", list.visibility === "PUBLIC" ? "Everybody may see this list; a link is the short way to it." : "Only whoever has its link may see it, and there is none yet."),
        h("p.form-go", doing("Make a link", async () => {
          const { share_url: fresh } = await shareList(list.list_id);
          draw(fresh);
          box.querySelector("input").focus();
          return "The link is there";
        }, { kind: "wide" })));
    }
  }
  draw(list.share_url);
  return section("section", "Link", box);
}

export async function people(list, person) {
  const owner = list.my_role === "owner";
  return h("div.account",
    section("section", "People", items("ul.items", (list.collaborators ?? []).map((one) => entry(list, one, person)), "People")),
    owner && invitation(list), owner && share(list));
}
