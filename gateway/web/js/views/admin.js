// For administrators: people, their roles, closing and opening accounts, the audit log, and what people reported.

import { reports } from "../admin/reports.js";
import { growingTable } from "../components/tables.js";
import { field, form, tick } from "../components/forms.js";
import { lacking } from "../components/lacking.js";
import { notice } from "../components/notice.js";
import { h, section } from "../dom.js";
import { time } from "../format.js";
import { disableUser, enableUser, endUserSessions, getUser, listAudit, listUsers, resetSecondFactor, setRoles } from "../identity.js";
import { personal } from "../later.js";
import { go, link } from "../router.js";
import { WAYS } from "./lost.js";

const STATES = { "": "Any state", active: "Active", unverified: "Unverified", disabled: "Disabled" };
const ROLES = { "": "Any role", user: "user", premium: "premium", admin: "admin" };
const ORDERS = { "": "Newest first", oldest: "Oldest first", username: "By name", last_login: "Last signed in" };

const choice = (name, label, options, value) => {
  const select = h("select", Object.entries(options).map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  return field(name, label, { control: select });
};
const userLink = ({ user_id: id, username }) => h("a", { href: link(`admin/users/${encodeURIComponent(id)}`) }, username);
const asked = (query, names) => Object.fromEntries(names.map((name) => [name, query.get(name) ?? ""]));

function users(query, signal) {
  const params = asked(query, ["query", "role", "state", "order_by"]);
  const words = field("query", "Name, address or id", { type: "search", maxlength: "254" });
  words.input.value = params.query;
  const fields = [words, choice("role", "Role", ROLES, params.role), choice("state", "State", STATES, params.state), choice("order_by", "Order", ORDERS, params.order_by)];
  return section("section", "People",
    form({ label: "Find people", fields, button: "Find", primary: false, send: async (values) => { go(link("admin", values)); }, content: h("div.three", fields.map(({ node }) => node)) }).node,
    growingTable("People", ["Name", "E-mail", "Roles", "State", "Opened", "Last signed in", "Sessions"],
      async (token) => {
        const { users: list = [], ...rest } = await listUsers({ ...params, page_size: 50, page_token: token }, signal);
        return { ...rest, rows: list.map((one) => [userLink(one), one.email, one.roles.join(", "), one.state, time(one.created_at), time(one.last_login_at), one.session_count]) };
      }));
}

function audit(query, signal) {
  const params = asked(query, ["user_id", "actor_id", "action"]);
  const fields = [["user_id", "Id of the person acted upon"], ["actor_id", "Id of who acted"], ["action", "What was done"]].map(([name, label]) => {
    const made = field(name, label, { maxlength: "64", autocapitalize: "off", spellcheck: "false" });
    made.input.value = params[name];
    return made;
  });
  return section("section", "Audit log",
    form({ label: "Filter the log", fields, button: "Filter", primary: false, send: async (values) => { go(link("admin/audit", values)); }, content: h("div.three", fields.map(({ node }) => node)) }).node,
    growingTable("Audit log", ["When", "Who", "What", "To whom", "Outcome", "Detail", "From"],
      async (token) => {
        const { entries = [], ...rest } = await listAudit({ ...params, page_size: 50, page_token: token }, signal);
        return { ...rest, rows: entries.map((one) => [time(one.at), one.actor_username || one.actor_id || "the system", one.action, one.user_id && h("a", { href: link(`admin/users/${encodeURIComponent(one.user_id)}`) }, one.user_id), one.outcome, one.detail, one.ip_address]) };
      }));
}

async function oneUser(id, signal, me) {
  const user = await getUser(id, signal);
  const reload = () => go(location.hash);
  const roles = ["premium", "admin"].map((name) => tick(name, name, user.roles.includes(name)));
  const why = () => field("reason", "Why, for the audit log", { maxlength: "500" });
  const note = why();
  const facts = [["E-mail", `${user.email}${user.email_verified ? "" : " (not verified)"}`], ["State", user.state + (user.disabled_reason ? `: ${user.disabled_reason}` : "")], ["Opened", time(user.created_at)], ["Last signed in", time(user.last_login_at) || "never"], ["Second factor", user.second_factor_enabled ? "on" : "off"], ["Sessions", user.session_count], ["Id", user.user_id]];
  const disabled = user.state === "disabled";
  const reason = why();
  const lost = why();
  const proof = why();
  return [
    section("section", user.username, h("dl.credits", facts.map(([name, value]) => h("div", h("dt", name), h("dd", value)))),
      h("p.form-go", h("a.button.small", { href: link("admin/audit", { user_id: user.user_id }) }, "What happened to this account"))),
    section("section", "Roles", form({
      label: "Roles", fields: [...roles, note], button: "Set the roles", primary: false,
      async send(values) {
        await setRoles(user.user_id, { roles: ["user", ...roles.map(({ name }) => name).filter((name) => values[name])], reason: values.reason, etag: user.etag });
        reload();
      },
    }).node),
    user.session_count > 0 && section("section", "Sessions", form({
      label: "Sessions", fields: [lost], need: ["reason"], button: "End every session", primary: false,
      async send(values) {
        await endUserSessions(user.user_id, values.reason);
        reload();
      },
    }).node),
    user.second_factor_enabled && user.user_id !== me.user_id && section("section", "Second factor", h("p.quiet", "For somebody who has lost app and recovery codes. Make sure first who asks."), form({
      label: "Second factor", fields: [proof], need: ["reason"], button: "Take the second factor off", primary: false,
      async send(values) {
        await resetSecondFactor(user.user_id, values.reason);
        reload();
      },
    }).node),
    section("section", disabled ? "Open the account" : "Close the account", form({
      label: "State of the account", fields: [reason], need: disabled ? [] : ["reason"], button: disabled ? "Open it again" : "Close it and end its sessions", primary: false,
      async send(values) {
        await (disabled ? enableUser : disableUser)(user.user_id, values.reason);
        reload();
      },
    }).node),
  ].filter(Boolean);
}

export function admin(place) {
  const { parts, query, signal } = place;
  const [, part = "users", id] = parts;
  return personal(place, "Administration", async (person) => {
    if (!person.roles?.includes("admin")) {
      return (person.withheld_roles?.includes("admin") && lacking(person, parts.join("/"))) || notice("For administrators only", "Your account does not have that role.", WAYS);
    }
    const tabs = h("nav.tabs", { "aria-label": "Administration" }, [["users", "People", "admin"], ["audit", "Audit log", "admin/audit"], ["reports", "Reports", "admin/reports"]].map(([key, label, address]) => h("a", { href: link(address), "aria-current": part === key && "page" }, label)));
    const content = part === "audit" ? audit(query, signal) : part === "reports" ? reports(query, signal) : id ? await oneUser(id, signal, person) : users(query, signal);
    return [tabs, h("div.account.wide", content)];
  });
}
