// What people reported: the text, why, and the two ways to settle it.

import { field, form } from "../components/forms.js";
import { growing } from "../components/growing.js";
import { failureNotice, notice } from "../components/notice.js";
import { announce, h, refill, section } from "../dom.js";
import { plural, time } from "../format.js";
import { hideComment, hideReview, listReports, resolveReport } from "../ratings/calls.js";
import { REASONS } from "../reviews/report.js";
import { link } from "../router.js";

const STATES = { open: "Open", hidden: "Hidden", dismissed: "Dismissed" };
const PAGE = 20;

function entry(report, settled) {
  const item = h("li.reported", { tabindex: "-1" });
  const kind = report.comment_id ? "comment" : "review";
  const facts = [REASONS[report.reason] ?? report.reason, `reported by ${plural(report.reporter_count, "person").replace("persons", "people")}`, time(report.created_at)];

  function settle() {
    const note = field("reason", "Why", { maxlength: "500", hint: `For the audit log. Its author is told when the ${kind} is hidden.` });
    let action = "hide";
    const button = (text, what) => h("button.button.small", { type: "submit", onclick: () => { action = what; } }, text);
    const made = form({
      label: "Settle the report", fields: [note], button: `Hide the ${kind}`, primary: false,
      async send(values) {
        const chosen = action;
        action = "hide";
        const after = await resolveReport(report.report_id, { action: chosen, reason: values.reason });
        announce(after.state === "hidden" ? `The ${kind} is hidden` : "The report is dismissed");
        settled(item);
      },
      more: button("Dismiss the report", "dismiss"),
    });
    made.node.addEventListener("keydown", (event) => { if (event.key === "Enter" && event.target === note.input) action = "hide"; });
    return made.node;
  }
  /** The way back for what was hidden. */
  function show() {
    const note = field("reason", "Why", { maxlength: "500", hint: "For the audit log." });
    const made = form({
      label: `Show the ${kind} again`, fields: [note], button: `Show the ${kind} again`, primary: false,
      async send(values) {
        const body = { hidden: false, reason: values.reason };
        await (report.comment_id ? hideComment(report.comment_id, body) : hideReview(report.review_id, body));
        made.node.replaceWith(h("p.form-done", { role: "status", tabindex: "-1" }, `The ${kind} is shown again.`));
      },
    });
    return h("details.aside", h("summary", `Show the ${kind} again`), made.node);
  }
  refill(item,
    h("p", h("strong", kind === "comment" ? "A comment" : "A review"), " ", h("span.quiet", facts.join(" · "))),
    report.detail && h("p", h("span.quiet", "What the first of them added: "), report.detail),
    h("blockquote.reported-text", report.body_markdown || "(nothing is left of it)"),
    h("p.small", h("a", { href: link(`review/${report.review_id}`) }, kind === "comment" ? "The review it stands under" : "The review with its comments")),
    report.state === "open" ? settle() : h("p.quiet", `${STATES[report.state]} ${time(report.resolved_at)}`), report.state === "hidden" && show());
  return item;
}

/** The section: reports of a state, which is in the address. */
export function reports(query, signal) {
  const state = Object.hasOwn(STATES, query.get("state") ?? "") ? query.get("state") : "open";
  const ways = h("nav.tabs", { "aria-label": "State of reports" }, Object.entries(STATES).map(([key, text]) =>
    h("a", { href: link("admin/reports", { state: key }), "aria-current": key === state && "page" }, text)));
  const list = growing(h("ul.reports", { role: "list", "aria-label": "Reports" }), {
    noun: "report",
    load: (token) => listReports({ state, page_size: PAGE, page_token: token }, signal),
    rows: ({ reports: some = [] }) => some.map((one) => entry(one, (item) => {
      const next = item.nextElementSibling ?? item.previousElementSibling;
      item.remove();
      list.shift(-1);
      (next ?? document.querySelector("main h1")).focus();
    })),
    empty: () => notice(state === "open" ? "Nothing to look at" : "None", state === "open" ? "Nobody has reported anything that is not settled." : "No report was settled like that."),
  });
  const box = h("div.waiting", list.node);
  list.start().catch((error) => { if (!signal.aborted) box.replaceChildren(failureNotice(error)); }).finally(() => box.classList.remove("waiting"));
  return section("section", "Reports", ways, box);
}
