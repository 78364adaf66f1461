// Cohorts: a table whose cells are as dark as they are full, and the curves of the same figures by age.

import { lineChart, niceTicks } from "./chart.js";
import { h } from "./dom.js";
import { number, percent, t } from "./words.js";

const SHADES = 10;

/**
 * @param made {step, rows: [{cohort, accounts, retention, revenue}], retention, revenue}
 * @param kind "retention" or "revenue"
 * @param age "month" or "quarter": what a column is
 */
export function cohortPanel(made, kind, age, about) {
  if (!made.rows.length || !made[kind].length) return null;
  return h(
    "section",
    { class: "panel cohorts" },
    h("h2", {}, about.label),
    h("p", { class: "hint" }, about.definition, " ", about.caveat),
    curve(made, kind, age, about.label),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": about.label }, heatMap(made, kind, age)),
  );
}

function curve(made, kind, age, title) {
  const at = (k) => t(`kpis.at.${age}`, { n: number(k) });
  const points = (cells) => cells.map((y, x) => ({ x, y, label: at(x) })).filter((point) => point.y !== null);
  const behind = made.rows.map((row) => points(row[kind])).filter((one) => one.length > 1);
  const all = points(made[kind]);
  if (all.length < 2) return null;
  const high = Math.max(1, ...all.map((point) => point.y), ...behind.flat().map((point) => point.y));
  const last = all.at(-1).x;
  const step = last > 24 ? 6 : last > 8 ? 3 : 1;
  const xTicks = [];
  for (let k = 0; k <= last; k += step) xTicks.push([k, number(k)]);
  return lineChart(all, {
    title,
    behind,
    yTicks: niceTicks(0, Math.min(high, 2)),
    yText: (y, exact) => percent(y, exact ? 1 : 0),
    xTicks,
    xTitle: `${t(`kpis.age.${age}`)}. ${t("kpis.curve.about")}`,
    wide: true,
    kind: "cohort",
  });
}

function heatMap(made, kind, age) {
  const ages = made[kind].map((_, k) => k);
  const shade = (cell) => (cell === null ? "" : `heat h${Math.max(0, Math.min(SHADES, Math.round(cell * SHADES)))}`);
  const cells = (values) => ages.map((k) => h("td", { class: shade(values[k] ?? null) }, (values[k] ?? null) === null ? "" : number(values[k] * 100)));
  const total = made.rows.reduce((sum, row) => sum + row.accounts, 0);
  const line = (name, accounts, values) => h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "size" }, number(accounts)), cells(values));
  return h(
    "table",
    { class: "plain heatmap" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { scope: "col" }, t("kpis.cohort")),
        h("th", { scope: "col" }, t("kpis.accounts")),
        ages.map((k) => h("th", { scope: "col", "aria-label": t(`kpis.at.${age}`, { n: number(k) }) }, number(k))),
      ),
    ),
    h(
      "tbody",
      {},
      made.rows.map((row) => line(row.cohort, row.accounts, row[kind])),
      line(t("kpis.every_cohort"), total, made[kind]),
    ),
  );
}
