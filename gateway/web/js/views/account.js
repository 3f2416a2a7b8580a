// One's own account, a section at a time, so that a page costs few calls.

import { data } from "../account/data.js";
import { devices } from "../account/devices.js";
import { preferences } from "../account/preferences.js";
import { profile } from "../account/profile.js";
import { waysIn } from "../account/waysin.js";
import { h } from "../dom.js";
import { personal } from "../later.js";
import { link } from "../router.js";
import { lost } from "./lost.js";

const SECTIONS = {
  "": ["Profile", profile],
  preferences: ["Preferences", preferences],
  signin: ["Signing in", waysIn],
  devices: ["Devices", devices],
  data: ["Your data", data],
};

export function account(place) {
  const name = place.parts[1] ?? "";
  if (!Object.hasOwn(SECTIONS, name)) return lost();
  const [label, section] = SECTIONS[name];
  const shown = personal(place, "Account", async (person) => {
    const tabs = h("nav.tabs", { "aria-label": "Account" }, Object.entries(SECTIONS).map(([key, [text]]) =>
      h("a", { href: link(key ? `account/${key}` : "account"), "aria-current": key === name && "page" }, text)));
    return [tabs, h("div.account", await section(person, place.signal))];
  }, { settingUp: name === "signin" });
  return { ...shown, title: `${label} · Account` };
}
