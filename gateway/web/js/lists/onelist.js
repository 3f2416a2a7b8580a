// The sections of one list, and to whom each is offered.

import { films } from "./films.js";
import { people } from "./people.js";
import { settings } from "./settings.js";
import { talk } from "./talk.js";

export const SECTIONS = {
  "": { label: "Films", offered: () => true, fill: films },
  comments: { label: "Comments", offered: () => true, fill: talk },
  people: { label: "People", offered: (list) => Boolean(list.my_role), fill: people },
  settings: { label: "Settings", offered: (list) => list.my_role === "owner", fill: settings },
};
