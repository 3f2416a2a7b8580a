// Who is signed in. The access token lives in this variable and nowhere else; the refresh token in a cookie that no script can read.

import { call, send, signWith } from "./api.js";

const EARLY_MS = 30_000; // before its end, a token is renewed
const HINT = "cine.signed-in"; // says only that a cookie may be there, so that strangers cost no call
const PAUSE_MS = 5_000;
const NOBODY = { token: "", until: 0, early: 0 };
const heard = new Set();
const tabs = "BroadcastChannel" in globalThis ? new BroadcastChannel("cine.session") : { postMessage() {} };

let held = NOBODY;
let user = null;
let renewing = null;
let loading = null;
let failedAt = -PAUSE_MS;

const hint = {
  get there() { try { return localStorage.getItem(HINT) === "1"; } catch { return true; } },
  set there(yes) { try { if (yes) localStorage.setItem(HINT, "1"); else localStorage.removeItem(HINT); } catch { /* then every page asks once */ } },
};

/** The person that is signed in, as GetMe tells of them; null for nobody. */
export const person = () => user;

/** Whether somebody may be signed in who is not known yet. */
export const unsure = () => !user && hint.there;

/** Calls `listener(person)` whenever somebody else is signed in, or nobody. */
export const onPerson = (listener) => heard.add(listener);

function become(next) {
  const changed = JSON.stringify(next) !== JSON.stringify(user);
  user = next;
  if (changed) for (const listener of heard) listener(user);
}

function adopt(tokens) {
  held = tokens;
  failedAt = -PAUSE_MS;
}

function hold({ access_token: token, expires_in: seconds }) {
  const life = seconds * 1000;
  adopt({ token, until: Date.now() + life, early: Math.min(EARLY_MS, life / 3) });
}

function forget() {
  held = NOBODY;
  hint.there = false;
  become(null);
}

// One refresh at a time over all tabs: whoever waited for the lock finds the token of the one before. Gives "" when the session has
// ended, and null when there is no telling.
async function refresh(old) {
  if (held.token && held.token !== old && Date.now() < held.until - held.early) return held.token;
  if (performance.now() - failedAt < PAUSE_MS) return null;
  try {
    const answer = await send("POST", "api/v1/auth/refresh", {}, undefined, { bare: true });
    hold(answer);
    tabs.postMessage({ renewed: held });
    if (user && answer.user_id !== user.user_id) look().catch(forget); // the cookie is another person's by now
    return held.token;
  } catch (error) {
    if (error.kind === "unauthenticated" || error.kind === "invalid" || error.kind === "forbidden") {
      forget();
      tabs.postMessage({ out: true });
      return "";
    }
    failedAt = performance.now();
    return null;
  }
}

function renew(old) {
  const locked = () => (navigator.locks ? navigator.locks.request("cine.refresh", () => refresh(old)) : refresh(old));
  renewing ??= locked().finally(() => { renewing = null; });
  return renewing;
}

signWith({
  // fresh tokens are fetched while the old one is still good; only what comes too late has to wait for them
  bearer() {
    const left = held.until - Date.now();
    if (!held.token || left > held.early) return held.token;
    const next = renew(held.token);
    return left > 1000 ? held.token : next;
  },
  spent: (token) => (held.token && held.token !== token ? held.token : renew(token)),
});

/** Who is signed in, once that is known: the refresh at load, then GetMe. Null for nobody, or when there is no telling. */
export function known() {
  if (user || !hint.there) return Promise.resolve(user);
  loading ??= (async () => {
    if (held.token || await renew("")) await look();
    return user;
  })().catch(() => null).finally(() => { loading = null; });
  return loading;
}

/** Asks who the caller is, again. */
export async function look() {
  become(await call("api/v1/auth/me"));
  return user;
}

/** Takes over the tokens of a sign-in. */
export async function enter(answer) {
  hold(answer);
  hint.there = true;
  tabs.postMessage({ renewed: held, entered: true });
  return look();
}

/** Ends this session here and in every tab. */
export async function leave() {
  await send("POST", "api/v1/auth/logout", {});
  left();
}

/** Forgets the person, whose session has ended already. */
export function left() {
  forget();
  tabs.postMessage({ out: true });
}

tabs.onmessage = ({ data }) => {
  if (data.out) return forget();
  if (!held.token && !data.entered && !hint.there) return undefined;
  adopt(data.renewed);
  // another person may have signed in over there
  return data.entered ? look().catch(() => forget()) : undefined;
};
addEventListener("online", () => {
  failedAt = -PAUSE_MS;
  known();
});
