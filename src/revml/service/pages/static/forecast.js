// The company's forecast: what came, what is expected with its range, segments that add up, new business apart.

import { api } from "./api.js";
import { lineChart, niceTicks } from "./chart.js";
import { h } from "./dom.js";
import { notice, scrolled } from "./parts.js";
import { forecastAddress, go } from "./route.js";
import { date, money, month, number, percent, t } from "./words.js";
import { named } from "./worth.js";

const YEAR = 12;
const TICKS = 5;
const QUANTILES = ["p10", "p50", "mean", "p90"];
const OTHER = "other";

export async function drawForecast(main, place) {
  let answer;
  try {
    answer = await api.forecast();
  } catch (problem) {
    if (problem.code !== "not-found") throw problem;
    main.replaceChildren(notice(t("forecast.none.title"), h("p", {}, t("forecast.none.text")), h("pre", {}, h("code", {}, "revml forecast"))));
    return;
  }
  const told = answer.forecast;
  const currency = told.currency;
  const chosen = told.segments.rows.find((one) => one.name === place.segment) ?? null;
  const fresh = chosen === null && place.fresh && told.new_business !== null;
  const relations = told.reconciliation.relations.map((one) => one.relation);
  document.title = `${t("forecast.title")} · ${answer.run.company} · revml`;
  const parts = [
    h("h1", { tabindex: "-1" }, chosen ? `${t("forecast.title")}: ${segmentName(chosen.name)}` : t("forecast.title")),
    h("p", { class: "hint lead" }, t("forecast.about", { date: date(told.as_of), months: number(told.months.length) })),
    toolbar(told, chosen, fresh, place),
    strip(told, chosen, fresh, relations),
    charts(told, chosen, fresh, relations),
    chosen ? null : segments(told, relations),
    chosen ? null : newBusiness(told, fresh),
    chosen ? null : reconciliation(told, answer.intervals, answer.backtest),
    chosen ? null : families(told),
    chosen ? null : installed(answer.installed, currency),
  ];
  main.replaceChildren(...parts.flat(2).filter((part) => part !== null)); // a null would be drawn as a word

  function toolbarChoice(options, value, change) {
    return h("select", { onchange: (event) => change(event.target.value) }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)));
  }

  function toolbar() {
    const rows = told.segments.rows;
    const names = [["", t("forecast.whole")], ...rows.map((one, i) => [String(i), segmentName(one.name)])];
    const at = chosen ? String(rows.indexOf(chosen)) : "";
    const pick = (i) => go(forecastAddress(i === "" ? null : rows[Number(i)].name, place.fresh));
    const turn = (event) => go(forecastAddress(place.segment, event.target.checked), { replace: true });
    return h(
      "div",
      { class: "toolbar" },
      rows.length > 1 ? h("label", { class: "choice" }, h("span", {}, segmentedBy(told.segments.by)), toolbarChoice(names, at, pick)) : null,
      told.new_business && !chosen ? h("label", { class: "switch" }, h("input", { type: "checkbox", checked: fresh, onchange: turn }), t("forecast.new.switch")) : null,
    );
  }
}

function segmentName(name) {
  return name === "" ? t("forecast.unknown") : name === OTHER ? t("forecast.other") : name;
}

function segmentedBy(by) {
  return t(`forecast.by.${by}`);
}

/** Lines added up month by month; ranges too, as if all missed together: never too narrow. */
function added(lines) {
  const there = lines.filter(Boolean);
  if (!there.length) return null;
  return Object.fromEntries(QUANTILES.map((name) => [name, there[0].mean.map((_, i) => there.reduce((all, one) => all + one[name][i], 0))]));
}

function revenueOf(told, chosen, fresh, relations) {
  const lines = chosen ? chosen.lines : told.lines;
  if (fresh && lines.revenue) return lines.revenue;
  return added(relations.map((relation) => lines[`revenue_${relation}`]));
}

function mrrOf(told, chosen, fresh) {
  return chosen ? chosen.lines.mrr_existing ?? null : (fresh ? told.lines.mrr : told.lines.mrr_existing) ?? null;
}

function sum(values, months = YEAR) {
  return values.slice(0, months).reduce((all, value) => all + value, 0);
}

function between(line, i, say) {
  return t("worth.between", { low: say(line.p10[i]), high: say(line.p90[i]) });
}

/** The figures a year ahead, or at the end of a shorter forecast. */
function strip(told, chosen, fresh, relations) {
  const currency = told.currency;
  const lines = chosen ? chosen.lines : told.lines;
  const at = Math.min(YEAR, told.months.length) - 1;
  const compact = (value) => money(value, currency, { compact: true });
  const share = (value) => percent(value, 0);
  const mrr = mrrOf(told, chosen, fresh);
  const revenue = revenueOf(told, chosen, fresh, relations);
  const now = chosen ? chosen.mrr : told.summary.mrr_now;
  const tiles = [
    mrr && [t("forecast.mrr.at", { n: number(at + 1) }), compact(mrr.mean[at]), `${between(mrr, at, compact)}${now === null ? "" : `; ${t("forecast.mrr.now", { money: compact(now) })}`}`],
    lines.nrr && [t("forecast.nrr"), share(lines.nrr.mean[at]), `${between(lines.nrr, at, share)}; ${t("forecast.nrr.about")}`],
    lines.grr && [t("forecast.grr"), share(lines.grr.mean[at]), `${between(lines.grr, at, share)}; ${t("forecast.grr.about")}`],
    revenue && [t("forecast.revenue.sum", { n: number(at + 1) }), compact(sum(revenue.mean, at + 1)), `${t("worth.between", { low: compact(sum(revenue.p10, at + 1)), high: compact(sum(revenue.p90, at + 1)) })}. ${t(fresh ? "forecast.with_new" : "forecast.without_new")}`],
  ].filter(Boolean);
  return h("section", { class: "totals" }, tiles.map(([label, value, about]) => h("div", { class: "total" }, h("h2", {}, label), h("p", { class: "value" }, value), h("p", { class: "hint" }, about))));
}

function charts(told, chosen, fresh, relations) {
  const lines = chosen ? chosen.lines : told.lines;
  const currency = told.currency;
  const past = chosen ? {} : told.history;
  const made = [];
  const amounts = (title, line, came, existing) => made.push(curve(told, title, line, came, existing, (y, exact) => money(y, currency, { compact: !exact }), (low, high) => t("worth.between", { low: money(low, currency), high: money(high, currency) })));
  const mrr = mrrOf(told, chosen, fresh);
  if (mrr) amounts(t("forecast.mrr"), mrr, past.mrr ?? [], fresh ? told.lines.mrr_existing : null);
  const revenue = revenueOf(told, chosen, fresh, relations);
  const others = relations.filter((relation) => relation !== "contract" && lines[`revenue_${relation}`]);
  if (revenue && others.length) {
    const came = relations.map((relation) => past[`revenue_${relation}`]).filter(Boolean);
    const history = came.length ? came[0].map((_, i) => came.reduce((all, one) => all + one[i], 0)) : [];
    amounts(t("forecast.revenue"), revenue, history, fresh ? revenueOf(told, chosen, false, relations) : null);
  }
  for (const name of ["nrr", "grr"]) {
    if (lines[name]) made.push(curve(told, t(`forecast.${name}`), lines[name], [], null, (y) => percent(y, 0), (low, high) => t("worth.between", { low: percent(low, 0), high: percent(high, 0) })));
  }
  if (!made.length) return null;
  return h("section", { class: "panel" }, h("h2", {}, t("forecast.months")), h("p", { class: "hint" }, t(fresh ? "forecast.months.new" : "forecast.months.about")), h("div", { class: "charts" }, made));
}

function curve(told, title, line, came, existing, yText, rangeText) {
  const back = told.history.months.slice(-came.length || told.history.months.length);
  const label = (at) => month(at.slice(0, 7));
  const points = came.map((y, i) => ({ x: i - came.length + 1, y, label: `${label(back[i])}, ${t("forecast.came")}` }));
  line.mean.forEach((y, i) => points.push({ x: i + 1, y, low: line.p10[i], high: line.p90[i], label: label(told.months[i]) }));
  const all = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const ends = [...back.slice(back.length - came.length), ...told.months];
  const ticks = points.map((point, i) => [point.x, shortMonth(ends[i])]).filter((_, i) => i % Math.ceil(points.length / TICKS) === 0);
  return lineChart(points, {
    title,
    yTicks: niceTicks(Math.min(...all), Math.max(...all)),
    yText,
    rangeText,
    xTicks: ticks,
    mark: came.length ? 0 : undefined, // the day of the forecast
    behind: existing ? [existing.mean.map((y, i) => ({ x: i + 1, y }))] : [],
    kind: "forecast",
  });
}

/** `7/26`: short enough for an axis on a phone. */
function shortMonth(at) {
  return `${Number(at.slice(5, 7))}/${at.slice(2, 4)}`;
}

function tableOf(label, headers, rows, last) {
  const line = (cells, kind) => h("tr", { class: kind }, cells.map((cell, i) => h(i ? "td" : "th", { scope: i ? null : "row" }, cell)));
  return scrolled(
    label,
    h(
      "table",
      { class: "plain numbers" },
      h("thead", {}, h("tr", {}, headers.map((header) => h("th", { scope: "col" }, header)))),
      h("tbody", {}, rows.map((row) => line(row, null)), last ? line(last, "sum") : null),
    ),
  );
}

/** Segments and their sum, which is the company's line of existing customers, to the cent. */
function segments(told, relations) {
  const rows = told.segments.rows;
  if (!rows.length) return null;
  const currency = told.currency;
  const n = Math.min(YEAR, told.months.length);
  const exact = (value) => money(Math.round(100 * value) / 100, currency, { cents: true });
  const contract = relations.includes("contract");
  const of = (lines) => relations.map((relation) => (lines[`revenue_${relation}`] ? sum(lines[`revenue_${relation}`].mean, n) : 0));
  const many = relations.length > 1;
  const row = (name, accounts, mrr, lines) => {
    const amounts = of(lines);
    const whole = many ? [exact(amounts.reduce((a, b) => a + b, 0))] : [];
    return [name, accounts, ...(contract ? [exact(mrr), lines.mrr_existing ? exact(lines.mrr_existing.mean[n - 1]) : "–"] : []), ...amounts.map(exact), ...whole];
  };
  const headers = [
    segmentedBy(told.segments.by),
    t("forecast.accounts"),
    ...(contract ? [t("forecast.segment.mrr"), t("forecast.segment.mrr_end", { n: number(n) })] : []),
    ...relations.map((relation) => t("forecast.segment.revenue", { relation: named(relation).toLowerCase(), n: number(n) })),
    ...(many ? [t("worth.together")] : []),
  ];
  const total = rows.reduce((all, one) => all + (one.mrr ?? 0), 0);
  return h(
    "section",
    { class: "panel segments" },
    h("h2", {}, segmentedBy(told.segments.by)),
    h("p", { class: "hint" }, t("forecast.segments.about")),
    tableOf(
      segmentedBy(told.segments.by),
      headers,
      rows.map((one) => row(segmentName(one.name), number(one.accounts), one.mrr, one.lines)),
      row(t("worth.together"), number(rows.reduce((all, one) => all + one.accounts, 0)), total, told.lines),
    ),
  );
}

function newBusiness(told, fresh) {
  if (told.new_business === null) return h("section", { class: "panel" }, h("h2", {}, t("forecast.new")), h("p", { class: "hint" }, t("forecast.new.off")));
  const currency = told.currency;
  const n = Math.min(YEAR, told.months.length);
  const headers = [t("forecast.new.kind"), t("forecast.new.rate"), t("forecast.new.trend"), t("forecast.new.first"), t("forecast.new.kept"), t("forecast.new.arrivals", { n: number(n) })];
  const rows = told.new_business.map((part) => [
    `${named(part.relation)}: ${t(`forecast.new.${part.kind}`)}`,
    number(part.rate_a_month, 1),
    percent(part.yearly_trend, 1, { sign: true }),
    part.first_money ? money(part.first_money, currency) : "–",
    part.kept_after_12_months === null ? "–" : percent(part.kept_after_12_months, 0),
    number(sum(part.arrivals, n), 1),
  ]);
  return h("section", { class: "panel new-business" }, h("h2", {}, t("forecast.new")), h("p", { class: "hint" }, t("forecast.new.about"), " ", t(fresh ? "forecast.with_new" : "forecast.without_new")), rows.length ? tableOf(t("forecast.new"), headers, rows) : null);
}

/** How often the ranges of single accounts held, in one sentence. */
function held(intervals) {
  if (!intervals) return null;
  const whole = intervals.coverage.filter((one) => one.relation === "account" && one.segment === "");
  const found = whole.sort((a, b) => a.horizon_months - b.horizon_months).at(-1);
  if (!found) return h("p", { class: "after" }, t("forecast.held.unknown"));
  return h("p", { class: "after" }, t("forecast.held", { nominal: percent(found.nominal, 0), observed: percent(found.observed, 0), outcomes: number(found.accounts), n: number(found.horizon_months) }), " ", t(found.later ? "forecast.held.later" : "forecast.held.beside"));
}

/** What the back-test said of the simple methods, and where it stands. */
function tried(backtest) {
  if (!backtest) return null;
  const won = Object.entries(backtest.beaten).map(([name, one]) => t("forecast.backtest.won", { method: t(`forecast.backtest.${name}`), won: number(one.won), of: number(one.of) }));
  return h("p", { class: "after" }, won.length ? `${t("forecast.backtest.said", { origins: number(backtest.origins), told: won.join(", ") })} ` : null, h("a", { href: "/v1/forecast/backtest" }, t("forecast.backtest")));
}

/** Machines in service, what they earn and what falls due. */
function installed(base, currency) {
  if (!base?.families.length) return null;
  const years = (value) => (value === null ? "–" : number(value / YEAR, 1));
  const share = (value) => (value === null ? "–" : percent(value, 0));
  const cells = (one) => [
    one.family === "" ? t("forecast.installed.all") : one.family,
    number(one.machines),
    number(one.owners),
    years(one.mean_age_months),
    years(one.life_left_months),
    share(one.penetration),
    one.parts_per_machine_year === null ? "–" : money(one.parts_per_machine_year, currency),
    number(one.replacements_per_year, 1),
    money(one.replacement_money, currency),
  ];
  const headers = ["family", "machines", "owners", "age", "left", "service", "parts", "due", "money"].map((name) => t(`forecast.installed.${name}`));
  const families = base.families.filter((one) => one.family !== "");
  const all = base.families.find((one) => one.family === "");
  return h(
    "section",
    { class: "panel installed" },
    h("h2", {}, t("forecast.installed")),
    h("p", { class: "hint" }, t("forecast.installed.about", { retired: number(base.retirements), months: number(base.window_months), touch: share(base.replaced_in_touch), quiet: share(base.replaced_out_of_touch) })),
    tableOf(t("forecast.installed"), headers, families.map(cells), all && families.length !== 1 ? cells(all) : null),
  );
}

function reconciliation(told, intervals, backtest) {
  const currency = told.currency;
  const found = told.reconciliation;
  const tie = found.mrr_at_as_of;
  const exact = (value) => money(value, currency, { cents: true });
  const at = Math.min(YEAR, told.months.length) - 1;
  const said = (one) => {
    const off = one.factor[at] - 1;
    const way = Math.abs(off) < 0.0005 ? "same" : off > 0 ? "more" : "less";
    const values = { relation: named(one.relation), n: number(at + 1), share: percent(Math.abs(off), 1), factor: number(one.factor[at], 3) };
    return t(one.origins.length ? `forecast.factor.${way}` : "forecast.factor.none", values);
  };
  const rows = found.relations.flatMap((one) =>
    one.origins.map((origin) => [named(one.relation), t("forecast.origin", { n: number(origin.months_back) }), money(origin.predicted, currency), money(origin.realised, currency), origin.bias === null ? "–" : percent(origin.bias, 1, { sign: true })]),
  );
  return h(
    "section",
    { class: "panel reconciliation" },
    h("h2", {}, t("forecast.reconciliation")),
    tie ? h("p", {}, t(Math.abs(tie.difference) < 0.005 ? "forecast.tie" : "forecast.tie.off", { accounts: exact(tie.accounts), kpi: exact(tie.kpi), difference: exact(tie.difference) }), tie.reason ? ` ${tie.reason}` : "") : null,
    found.relations.map((one) => h("p", {}, said(one))),
    h("p", { class: "hint" }, t(found.applied ? "forecast.applied" : "forecast.not_applied")),
    rows.length ? tableOf(t("forecast.reconciliation"), [t("forecast.relation"), t("forecast.made"), t("forecast.predicted"), t("forecast.realised"), t("forecast.bias")], rows) : null,
    held(intervals),
    tried(backtest),
  );
}

/** Orders by product family, for planning production. */
function families(told) {
  const rows = told.families?.rows ?? [];
  if (!rows.length) return null;
  const currency = told.currency;
  const n = Math.min(YEAR, told.months.length);
  const ahead = (one, measure) => sum(one[measure].mean, n);
  const before = (one, measure) => sum(one.history[measure].slice(-n), n);
  const headers = [t("forecast.family"), t("forecast.relation"), t("forecast.family.before", { n: number(n) }), t("forecast.family.ahead", { n: number(n) }), t("forecast.family.lines"), t("forecast.family.quantity"), t("forecast.family.next")];
  const told_rows = [...rows]
    .sort((a, b) => ahead(b, "revenue") - ahead(a, "revenue"))
    .map((one) => [
      segmentName(one.family),
      named(one.relation),
      money(before(one, "revenue"), currency),
      money(ahead(one, "revenue"), currency),
      number(ahead(one, "lines")),
      number(ahead(one, "quantity")),
      t("worth.between", { low: number(one.quantity.p10[0]), high: number(one.quantity.p90[0]) }),
    ]);
  return h("section", { class: "panel families" }, h("h2", {}, t("forecast.families")), h("p", { class: "hint" }, t("forecast.families.about")), tableOf(t("forecast.families"), headers, told_rows));
}
