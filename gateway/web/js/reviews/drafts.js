// What somebody was writing, kept in this tab until it is sent: another page, an ended sign-in or a reload does not cost it.

import { onPerson } from "../session.js";

const PREFIX = "cine.draft.";
const key = (person, place) => `${PREFIX}${person.user_id}.${place}`;

const kept = {
  read: (name) => { try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; } },
  write: (name, value) => { try { sessionStorage.setItem(name, value); } catch { /* full, or forbidden: then it is not kept */ } },
  drop: (name) => { try { sessionStorage.removeItem(name); } catch { /* nothing to drop */ } },
};

/** The draft of a person at a place: what was kept of it, and whether what it changes has changed since (`etag` is the present one). */
export function draft(person, place, etag = "") {
  const name = key(person, place);
  const found = kept.read(name);
  return {
    values: found?.values ?? null,
    late: Boolean(found) && found.etag !== etag,
    keep: (values) => kept.write(name, JSON.stringify({ etag, values })),
    drop: () => kept.drop(name),
  };
}

onPerson((now) => {
  if (!now) return; // they may be back in a moment
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX) && !name.startsWith(key(now, ""))) kept.drop(name);
});
