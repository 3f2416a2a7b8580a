// What a list is called and who sees it, for its owner; and its end.

import { confirming } from "../components/confirm.js";
import { form } from "../components/forms.js";
import { outrun } from "../components/outrun.js";
import { h, section } from "../dom.js";
import { go, link } from "../router.js";
import { deleteList, getList, updateList } from "../watchlist.js";
import { listBody, listFields, VISIBILITIES } from "./listform.js";

// What a list is now, for whoever was outrun.
const shown = (now) => h("p", h("strong", now.name), `: ${VISIBILITIES[now.visibility] ?? now.visibility}.`, now.description && [" ", now.description]);

export async function settings(list) {
  const fields = listFields(list);
  const guard = outrun({
    etag: list.etag, newer: () => getList(list.list_id), shown,
    take(now) {
      for (const one of fields) {
        if (one.input.type === "checkbox") one.input.checked = now[one.name];
        else one.input.value = now[one.name];
      }
    },
  });
  const edit = form({
    label: "The list", fields, need: ["name"], button: "Save",
    async send(values) {
      const kept = await guard.run((etag) => updateList(list.list_id, { ...listBody(values), etag }));
      const heading = document.querySelector("main h1");
      if (heading) heading.textContent = kept.name;
      return kept.visibility === "PRIVATE" && list.visibility !== "PRIVATE" ? "Saved. A link that was given out opens nothing any more." : "Saved.";
    },
  });
  const end = confirming("Delete the list", "It goes with its films, notes and comments, for everybody on it.", "Delete it for good", async () => {
    await deleteList(list.list_id);
    go(link("lists"));
    return "The list is gone";
  });
  return h("div.account", section("section", "The list", edit.node, guard.box), section("section.danger", "Its end", h("p.quiet", "There is no way back."), h("p.form-go", end)));
}
