// Lists of one's own and those one works on; and each list, for whoever may see it.

import { attempts } from "../attempt.js";
import { doing, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { explain, failureNotice, notice } from "../components/notice.js";
import { h, items, refill, section } from "../dom.js";
import { date, plural } from "../format.js";
import { personal } from "../later.js";
import { SECTIONS } from "../lists/onelist.js";
import { listBody, listFields, ROLES, SEEN_BY } from "../lists/listform.js";
import { go, link, recall, remember } from "../router.js";
import { known } from "../session.js";
import { acceptInvitation, createList, declineInvitation, getList, listInvitations, listLists } from "../watchlist.js";
import { lost, WAYS } from "./lost.js";

const PAGE = 20;

const facts = (list) => [plural(list.item_count, "film"), list.seen_count > 0 && `${list.seen_count} seen`, list.updated_at && `changed ${date(list.updated_at)}`].filter(Boolean).join(" · ");

const entry = (list) => h("li", h("div.item", h("div",
  h("a.line-title", { href: link(`lists/${list.list_id}`) }, list.name), " ", h("span.tag.here", SEEN_BY[list.visibility] ?? list.visibility),
  h("p.quiet.small", facts(list)),
  list.my_role !== "owner" && h("p.quiet.small", `by @${list.owner_username}, ${ROLES[list.my_role] ?? list.my_role}`))));

// Invitations that wait; nothing when there are none.
async function invitations(signal, refresh) {
  const { invitations: found = [] } = await listInvitations({ page_size: 100 }, signal);
  if (!found.length) return null;
  const box = section("section.invited", "Invitations");
  const line = (one) => {
    const li = h("div.item", h("div", h("strong", one.list_name),
      h("p.quiet.small", `@${one.invited_by_username} asks you to ${one.role === "editor" ? "work on it" : "look at it"}. Good until ${date(one.expires_at)}.`)));
    const answered = (text, way) => refill(li, h("p", { role: "status", tabindex: "-1" }, text, " ", way));
    li.append(h("span.line-ways",
      doing("Accept", async () => {
        const { list } = await acceptInvitation(one.invitation_id);
        answered("Accepted:", h("a", { href: link(`lists/${list.list_id}`) }, list.name));
        li.firstChild.focus();
        await refresh();
      }, { label: `Accept ${one.list_name}`, kind: "small.primary" }),
      doing("Decline", async () => {
        await declineInvitation(one.invitation_id);
        answered(`Declined: ${one.list_name}`);
        li.firstChild.focus();
      }, { label: `Decline ${one.list_name}` })));
    return li;
  };
  box.append(items("ul.items", found.map(line), "Invitations"));
  return box;
}

async function index({ query, signal }) {
  let role = query.get("role") ?? "";
  const holder = h("ul.items", { role: "list", "aria-label": "Lists" });
  const failure = h("div");
  const list = growing(holder, {
    load: (token) => listLists({ role, page_size: PAGE, page_token: token }, signal), rows: (page) => (page.lists ?? []).map(entry),
    noun: "list", onpages: (pages) => remember({ pages }),
    empty: () => notice("No list here yet", "Make one below, or put a film on a new one from its page."),
  });
  async function start(pages) {
    failure.replaceChildren();
    await list.start(pages).catch((error) => { if (!signal.aborted) failure.replaceChildren(failureNotice(error, () => start())); });
  }
  const [invited] = await Promise.all([
    invitations(signal, start).catch((error) => h("p.banner", { role: "alert" }, `Invitations cannot be shown. ${explain(error)}`)),
    start(recall("pages")),
  ]);
  const tabs = h("nav.tabs", { "aria-label": "Lists" }, [["", "All"], ["owner", "Mine"], ["editor", "Those I may change"], ["viewer", "Those I may look at"]].map(([value, label]) =>
    h("a", { href: link("lists", { role: value }), "aria-current": value === role && "page" }, label)));
  const once = attempts();
  const fresh = form({
    label: "A new list", fields: listFields(), need: ["name"], button: "Make the list",
    async send(values) {
      const made = await once(listBody(values), createList);
      go(link(`lists/${made.list_id}`));
    },
  });
  return [invited, tabs, failure, list.node,
    h("section.apart", h("details.aside", { open: query.has("new") }, h("summary", "Make a list"), fresh.node))];
}

// One list. Its sections come one at a time; who may not see it is told no more than that.
function one(place, id, name) {
  const node = h("div.page.waiting", h("h1", "List"));
  async function fill() {
    const person = await known();
    if (person) node.dataset.personal = "";
    const list = await getList(id, place.signal);
    const open = Object.entries(SECTIONS).filter(([, { offered }]) => offered(list));
    const shown = open.find(([key]) => key === name);
    if (!shown) {
      refill(node, h("h1", list.name), notice("Nothing here for you", "This part of the list is for others, or is no part of it.", [[link(`lists/${id}`), "The list"]]));
      return list.name;
    }
    const tabs = open.length > 1 && h("nav.tabs", { "aria-label": "List" }, open.map(([key, { label }]) =>
      h("a", { href: link(key ? `lists/${id}/${key}` : `lists/${id}`), "aria-current": key === name && "page" }, label)));
    const content = await shown[1].fill(list, person, place.signal);
    if (place.signal.aborted) return "";
    refill(node, head(list, person), tabs, content);
    return list.name;
  }
  const ready = fill().catch((error) => {
    if (place.signal.aborted) return;
    if (error.kind !== "missing") refill(node, h("h1", "List"), failureNotice(error));
    else refill(node, h("h1", "No such list"), notice("There is no list here for you", "It may be gone, or its owner shares it with others only.", [[link("signin", { next: place.parts.join("/") }), "Sign in"], ...WAYS], "alert"));
  }).finally(() => node.classList.remove("waiting"));
  return { title: "List", node, ready };
}

/** Name of a list, whose it is, and how much of it one has seen. */
export function head(list, person) {
  const seen = person && list.item_count > 0 && `you have seen ${list.seen_count}`;
  return h("div.page-head", h("div", h("h1", list.name),
    h("p.quiet", ["by ", h("a", { href: link(`people/${list.owner_username}`) }, `@${list.owner_username}`), " · ", plural(list.item_count, "film"), seen && `, ${seen}`, ` · ${SEEN_BY[list.visibility] ?? ""}`]),
    list.description && h("p.list-about", list.description)));
}

export function lists(place) {
  const [, id, name = ""] = place.parts;
  if (place.parts.length > 3) return lost();
  return id ? one(place, id, name) : personal(place, "Lists", () => index(place));
}
