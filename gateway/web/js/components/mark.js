// A person's mark: a few stripes whose colours come from the name. Pictures from elsewhere are not loaded: they would tell that
// elsewhere who looks at whom.

import { h } from "../dom.js";

const STRIPES = 5;

export function mark(name, size = "mark") {
  let seed = 2166136261;
  for (const letter of name) seed = Math.imul(seed ^ letter.codePointAt(0), 16777619) >>> 0;
  const hue = seed % 360;
  return h(`span.${size}`, { "aria-hidden": "true" }, Array.from({ length: STRIPES }, (_, i) => h("i", { style: {
    background: `oklch(${0.38 + ((seed >>> (i * 3)) % 8) * 0.06} 0.09 ${(hue + i * (20 + ((seed >>> 7) % 30))) % 360})`,
    "flex-grow": 1 + ((seed >>> (i * 5)) % 3),
  } })));
}
