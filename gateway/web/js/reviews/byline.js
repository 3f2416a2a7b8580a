// Who wrote something, and when.

import { mark } from "../components/mark.js";
import { h } from "../dom.js";
import { date, time } from "../format.js";
import { link } from "../router.js";

// within this time an edit is taken for part of the writing
const AT_ONCE_MS = 60_000;

const edited = ({ created_at: made, updated_at: changed }) => Boolean(made && changed) && new Date(changed) - new Date(made) > AT_ONCE_MS;

/** The author of a review or comment; `href` is the address of what they wrote, `more` goes on with the line. */
export function byline(written, href, ...more) {
  const { user_id: id, username: name } = written;
  const who = name ? h("a", { href: link(`people/${encodeURIComponent(name)}`) }, name) : h("span", id ? "somebody" : "somebody who left");
  const when = h("time", { datetime: written.created_at, title: time(written.created_at) }, date(written.created_at));
  return h("p.byline", mark(id || "nobody"), who, more, href ? h("a.quiet", { href }, when) : h("span.quiet", when),
    edited(written) && h("span.quiet", { title: time(written.updated_at) }, "edited"));
}

/** What is said of something that an administrator hid, to whoever still sees it. */
export const hiddenNote = (written) => written.hidden && h("p.banner", "An administrator hid this: only its author and administrators see it.", written.hidden_reason && ` Why: ${written.hidden_reason}`);
