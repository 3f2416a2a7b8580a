// A year in film: what one watched and rated, counted, drawn, and as a picture to keep.

import { download } from "../account/secondfactor.js";
import { row } from "../components/films.js";
import { doing } from "../components/forms.js";
import { notice } from "../components/notice.js";
import { h, section, unseen } from "../dom.js";
import { count, named, plural } from "../format.js";
import { personal } from "../later.js";
import { getStatistics } from "../ratings/calls.js";
import { number } from "../ratings/stars.js";
import { spread } from "../ratings/summary.js";
import { link } from "../router.js";
import { chart } from "../year/charts.js";
import { asPng, asSvg, picture } from "../year/picture.js";
import { lost } from "./lost.js";

const SHOWN = 12;
const MONTH = new Intl.DateTimeFormat("en", { month: "short", timeZone: "UTC" });
const FULL = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" });
const monthOf = (name, how) => how.format(new Date(`${name}-01T00:00:00Z`));
const COLUMNS = ["Films", "Ratings", "Mean rating"];
const EVER = "all";

const rowOf = (bucket, label, full = label) => ({
  label, full, value: bucket.watch_count ?? 0,
  more: bucket.rating_count > 0 && `${bucket.average_rating.toFixed(1)} ★`,
  cells: [count(bucket.watch_count), count(bucket.rating_count), bucket.rating_count > 0 ? bucket.average_rating.toFixed(1) : "–"],
});

function figures(found) {
  const hours = Math.round(found.minutes_watched / 60);
  const lines = [
    [count(found.watch_count), found.watch_count === 1 ? "film watched" : "films watched", found.movie_count < found.watch_count && `${count(found.movie_count)} different ones`],
    [count(hours), hours === 1 ? "hour" : "hours"],
    [count(found.rewatch_count), "seen again"],
    [found.rating_count ? found.average_rating.toFixed(1) : "–", "mean rating", plural(found.rating_count, "rating")],
    [count(found.review_count), found.review_count === 1 ? "review" : "reviews"],
    [count(found.longest_streak_days), found.longest_streak_days === 1 ? "day in a row" : "days in a row"],
  ];
  return h("dl.figures", lines.map(([value, name, more]) => h("div", h("dt", name, more && h("span.small", more)), h("dd.figure-number", value))));
}

const drawn = (title, buckets, first, how, options = {}) => {
  const rows = buckets.map(how);
  return rows.some(({ value }) => value > 0) && section("section", title, chart(title, rows, { columns: [first, ...COLUMNS], ...options }));
};

function kept(found, title, who) {
  const made = picture(found, title, who);
  const file = `cineaesthete-${title.toLowerCase().replaceAll(" ", "-")}`;
  return section("section.keepsake", "A picture to keep", h("div.keepsake-picture", made), h("p.form-go",
    h("button.button.small", { type: "button", onclick: () => download(`${file}.svg`, asSvg(made)) }, "Save as SVG"),
    doing("Save as PNG", async () => { download(`${file}.png`, await asPng(made)); return "The picture is saved"; })));
}

export function year(place) {
  const { parts, signal } = place;
  const asked = parts[1];
  if (parts.length > 2 || (asked && asked !== EVER && !/^(18|19|20|21)\d\d$/.test(asked))) return lost();
  const shown = personal(place, "Year in film", async (person) => {
    let wanted = asked === EVER ? 0 : Number(asked) || new Date().getFullYear();
    let found = await getStatistics(wanted, signal);
    const years = found.years_available ?? [];
    if (!asked && !found.watch_count && !found.rating_count && years.length) {
      [wanted] = years; // a new year has nothing to show: the last one that has
      found = await getStatistics(wanted, signal);
    }
    const title = wanted ? `${wanted} in film` : "All years in film";
    const heading = shown.node.querySelector("h1");
    heading.textContent = title;
    const tabs = h("nav.tabs", { "aria-label": "Years" }, [...new Set([...(wanted ? [wanted] : []), ...years])].sort((a, b) => b - a).map((one) =>
      h("a", { href: link(`year/${one}`), "aria-current": one === wanted && "page" }, one)), h("a", { href: link(`year/${EVER}`), "aria-current": !wanted && "page" }, "All years"));
    if (!found.watch_count && !found.rating_count) {
      return [tabs, notice(wanted ? `Nothing of ${wanted} yet` : "Nothing yet", "What you note in your diary and rate is counted here.", [["#/search", "Browse films"], [link("diary"), "Diary"]])];
    }
    const period = (one) => (wanted ? rowOf(one, monthOf(one.name, MONTH), monthOf(one.name, FULL)) : rowOf(one, one.name));
    const best = (found.highest_rated ?? []).filter(({ movie }) => movie);
    return [
      tabs, figures(found),
      drawn(wanted ? "By month" : "By year", found.by_period ?? [], wanted ? "Month" : "Year", period, { upright: wanted || (found.by_period ?? []).length <= 40 }),
      h("div.charts",
        drawn("Genres", (found.by_genre ?? []).slice(0, SHOWN), "Genre", (one) => rowOf(one, one.name)),
        drawn("Directors", (found.by_director ?? []).slice(0, SHOWN), "Director", (one) => rowOf(one, one.name)),
        drawn("Decades of release", found.by_decade ?? [], "Decade", (one) => rowOf(one, `${one.name}s`), { upright: true }),
        drawn("Countries", (found.by_country ?? []).slice(0, SHOWN), "Country", (one) => rowOf(one, named("region", one.name))),
        found.rating_count > 0 && section("section", "Stars given", spread(found.histogram, "Stars given"))),
      best.length > 0 && row("Rated highest", best.map(({ movie }) => movie), null, best.map(({ overall }) => h("p.tile-note", unseen("You gave it "), `★ ${number(overall)}`))),
      kept(found, title, person.display_name || person.username),
    ].filter(Boolean);
  });
  return { ...shown, ready: shown.ready.then(() => shown.node.querySelector("h1").textContent) };
}
