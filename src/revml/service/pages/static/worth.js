// What an account is worth: by horizon with its range, components that add up, month by month, and what drives it.

import { lineChart, niceTicks } from "./chart.js";
import { h, s } from "./dom.js";
import { scrolled } from "./parts.js";
import { date, has, money, number, percent, t } from "./words.js";

const RELATIONS = ["contract", "orders", "durable"];
const PARTS = [["base", 1], ["expansion", 1], ["contraction", -1], ["referral", 1]];
const PEER = "peer";
const OTHER = "other";
const BAR = 200;
const SMALL = 0.01; // of the greatest driver: smaller ones are told together

export function worthOf(found) {
  const currency = found.run.currency;
  const section = (...content) => h("section", { class: "panel clv worth" }, h("h2", {}, t("worth")), ...content);
  if (!found.values.length) return section(h("p", { class: "hint" }, t("clv.none")));
  const relations = [...found.clv].sort((a, b) => RELATIONS.indexOf(a.relation) - RELATIONS.indexOf(b.relation));
  const rate = found.run.discount_rate;
  return section(
    h(
      "p",
      { class: "hint about" },
      t("worth.about", { date: date(found.run.as_of), currency }),
      rate === null ? null : ` ${t("worth.discount", { rate: percent(rate, 1) })}`,
    ),
    horizons(found.values, currency),
    beside(found.values.at(-1), currency),
    components(relations, currency),
    drivers(found.drivers, relations, currency),
    relations.map((value) => relation(value, found.flows.find((flow) => flow.relation === value.relation), found.coming, currency)),
  );
}

function figures(told) {
  return h(
    "dl",
    { class: "figures" },
    told
      .filter(([, figure]) => figure !== null)
      .map(([label, figure, hint]) => h("div", {}, h("dt", {}, label), h("dd", {}, figure, hint ? h("span", { class: "hint" }, hint) : null))),
  );
}

function horizons(values, currency) {
  return figures(
    values.map((value) => [
      t("clv.horizon", { n: number(value.horizon_months) }),
      money(value.clv, currency),
      value.clv_p10 === null || value.clv_p90 === null
        ? t("worth.no_range")
        : t("worth.range", { low: money(value.clv_p10, currency), high: money(value.clv_p90, currency) }),
    ]),
  );
}

/** What stands beside the value and is no part of it. */
function beside(value, currency) {
  const nested = value.with_children !== null && Math.abs(value.with_children - value.clv) >= 0.005;
  return [
    figures([
      [t("worth.with_children"), nested ? money(value.with_children, currency) : null, t("worth.with_children.about")],
      [t("worth.ltv_cac"), value.ltv_cac === null ? null : number(value.ltv_cac, 1), t("worth.ltv_cac.about", { cost: money(value.acquisition_cost, currency) })],
      [t("worth.payback"), value.payback_months === null ? null : value.payback_months < 1 ? t("worth.months.under") : t("worth.months", { n: number(value.payback_months, 1) }), t("worth.payback.about")],
      [t("worth.referral"), value.referral_value ? money(value.referral_value, currency) : null, t("worth.referral.about")],
    ]),
    value.acquisition_cost === null ? h("p", { class: "hint" }, t("worth.no_cost")) : null,
  ];
}

/** A table whose rows and columns add up to the cent: components down, relations across. */
function components(relations, currency) {
  const told = relations.filter((value) => PARTS.every(([part]) => value[part] !== null));
  if (!told.length || told.length < relations.length) return null;
  const many = told.length > 1;
  const sum = (name) => told.reduce((all, value) => all + value[name], 0);
  const exact = (amount, sign) => money(Math.round(100 * amount) / 100 || 0, currency, { cents: true, sign });
  const row = (label, amounts, total, last) =>
    h("tr", { class: last ? "sum" : null }, h("th", { scope: "row" }, label), amounts.map((amount) => h("td", {}, amount)), many ? h("td", {}, total) : null);
  return [
    h("h3", {}, t("worth.components")),
    scrolled(
      t("worth.components"),
      h(
        "table",
        { class: "plain numbers components" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, ""), told.map((value) => h("th", { scope: "col" }, named(value.relation))), many ? h("th", { scope: "col" }, t("worth.together")) : null)),
        h(
          "tbody",
          {},
          PARTS.filter(([part]) => part !== "referral" || told.some((value) => value.referral)).map(([part, sign]) => row(t(`worth.part.${part}`), told.map((value) => exact(sign * value[part], part !== "base")), exact(sign * sum(part), part !== "base"))),
          row(t("clv.value"), told.map((value) => exact(value.clv)), exact(sum("clv")), true),
        ),
      ),
    ),
  ];
}

/** From what a similar account is worth to this one, a step a concept. */
function drivers(found, relations, currency) {
  const peer = found.find((driver) => driver.concept === PEER);
  const steps = largest(found.filter((driver) => driver.concept !== PEER));
  if (!peer || !steps.length) {
    const contract = relations.some((value) => value.relation === "contract");
    return contract ? [h("h3", {}, t("worth.drivers")), h("p", { class: "hint about" }, t("worth.drivers.none"))] : null;
  }
  const most = Math.max(...steps.map((driver) => Math.abs(driver.money)), 1e-9);
  const exact = (amount, sign) => money(Math.round(100 * amount) / 100 || 0, currency, { cents: true, sign });
  const whole = found.reduce((all, driver) => all + driver.money, 0);
  const row = (label, bar, amount, kind) => h("tr", { class: kind }, h("th", { scope: "row" }, label), h("td", {}, bar), h("td", {}, amount));
  return [
    h("h3", {}, t("worth.drivers")),
    h("p", { class: "hint about" }, t("worth.drivers.about")),
    scrolled(
      t("worth.drivers"),
      h(
        "table",
        { class: "plain numbers drivers" },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("worth.drivers.what")), h("td", {}), h("th", { scope: "col" }, t("clv.value")))),
        h("tbody", {}, row(peer.text, "", exact(peer.money), null), steps.map((driver) => row(driver.text, bar(driver.money / most), exact(driver.money, true), null)), row(t("worth.this"), "", exact(whole), "sum")),
      ),
    ),
  ];
}

/** The steps with the greatest first; small ones and those that were added up already are the last, together. */
function largest(steps) {
  const most = Math.max(...steps.map((driver) => Math.abs(driver.money)), 0);
  const small = (driver) => driver.concept === OTHER || Math.abs(driver.money) < SMALL * most;
  const rest = steps.filter(small);
  const left = Math.round(100 * rest.reduce((all, driver) => all + driver.money, 0)) / 100;
  const told = steps.filter((driver) => !small(driver));
  return left ? [...told, { concept: OTHER, money: left, text: t("worth.drivers.other") }] : told;
}

function bar(share) {
  const middle = BAR / 2;
  const width = Math.max(Math.abs(share) * (middle - 2), 1);
  return s(
    "svg",
    { class: "driven", viewBox: `0 0 ${BAR} 12`, "aria-hidden": "true" },
    s("rect", { class: share < 0 ? "minus" : "plus", x: share < 0 ? middle - width : middle, y: 1, width, height: 10, rx: 2 }),
    s("line", { class: "zero", x1: middle, x2: middle, y1: 0, y2: 12 }),
  );
}

export function named(relation) {
  return has(`clv.${relation}`) ? t(`clv.${relation}`) : relation;
}

function relation(value, flow, coming, currency) {
  const name = value.relation;
  return h(
    "div",
    { class: "relation" },
    h("h3", {}, named(name)),
    figures([
      [t("clv.value"), money(value.clv, currency), t("clv.horizon", { n: number(value.horizon_months) })],
      [t("clv.revenue"), value.expected_revenue === null ? null : money(value.expected_revenue, currency), t("clv.revenue.about")],
      [has(`clv.alive.${name}`) ? t(`clv.alive.${name}`) : name, value.p_alive === null ? null : percent(value.p_alive, 0), t("clv.month", { n: number(value.horizon_months) })],
      [t("clv.extrapolated"), value.extrapolated_share === null ? null : percent(value.extrapolated_share, 0), t("clv.extrapolated.about")],
    ]),
    value.warning ? h("p", { class: "caution" }, value.warning) : null,
    name === "orders" && coming ? comingOrders(coming, currency) : null,
    flow ? h("div", { class: "charts" }, survival(flow, name), revenue(flow, currency)) : null,
  );
}

/** The next order, how likely one is, and the year's orders by product family. */
function comingOrders(coming, currency) {
  const chance = (p) => (p === null ? null : percent(p, 0));
  const n = (orders) => number(orders, orders < 10 ? 1 : 0);
  return [
    figures([
      [t("worth.next_order"), coming.next_order === null ? t("worth.next_order.none") : date(coming.next_order), t(coming.next_order === null ? "worth.next_order.none.about" : "worth.next_order.about")],
      [t("worth.p_order", { n: 3 }), chance(coming.p_order_3m)],
      [t("worth.p_order", { n: 12 }), chance(coming.p_order_12m)],
      [t("worth.orders_12m"), coming.orders_12m === null ? null : n(coming.orders_12m), coming.revenue_12m === null ? null : money(coming.revenue_12m, currency)],
    ]),
    coming.families.length > 1
      ? scrolled(
          t("worth.family"),
          h(
            "table",
            { class: "plain numbers families" },
            h("thead", {}, h("tr", {}, [t("worth.family"), t("worth.family.orders"), t("worth.family.revenue")].map((text) => h("th", { scope: "col" }, text)))),
            h("tbody", {}, coming.families.map((one) => h("tr", {}, h("th", { scope: "row" }, one.family === OTHER ? t("forecast.other") : one.family), h("td", {}, n(one.orders)), h("td", {}, money(one.revenue, currency))))),
          ),
          "narrow",
        )
      : null,
  ];
}

function months(values) {
  const last = values.length;
  const step = last > 60 ? 24 : last > 24 ? 12 : last > 12 ? 6 : 3;
  const ticks = [];
  for (let month = 0; month <= last; month += step) ticks.push([month, number(month)]);
  return ticks;
}

function survival(flow, name) {
  const points = [{ x: 0, y: 1, label: t("clv.month", { n: number(0) }) }].concat(
    flow.survival.map((y, i) => ({ x: i + 1, y: y ?? 0, label: t("clv.month", { n: number(i + 1) }) })),
  );
  return lineChart(points, {
    title: has(`clv.curve.${name}`) ? t(`clv.curve.${name}`) : name,
    yTicks: [0, 0.25, 0.5, 0.75, 1],
    yText: (y) => percent(y, 0),
    xTicks: months(flow.survival),
    xTitle: t("clv.months"),
    area: true,
    kind: "survival",
  });
}

/** Expected revenue of each month, with the range that eight of ten simulations keep to. */
function revenue(flow, currency) {
  // Of rare and large sums (a machine in years) nine of ten months bring nothing, and a range of one month says nothing.
  const rare = flow.revenue_p90?.filter((high, i) => high < flow.expected_revenue[i]).length > flow.expected_revenue.length / 2;
  const ranged = flow.revenue_p10 && !rare;
  const points = flow.expected_revenue.map((y, i) => ({
    x: i + 1,
    y: y ?? 0,
    low: ranged ? flow.revenue_p10[i] : null,
    high: ranged ? flow.revenue_p90[i] : null,
    label: t("clv.month", { n: number(i + 1) }),
  }));
  const values = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  return lineChart(points, {
    title: t(rare ? "worth.curve.rare" : ranged ? "worth.curve.range" : "worth.curve"),
    yTicks: niceTicks(Math.min(...values), Math.max(...values)),
    yText: (y, exact) => money(y, currency, { compact: !exact }),
    rangeText: (low, high) => t("worth.between", { low: money(low, currency), high: money(high, currency) }),
    xTicks: months(flow.expected_revenue),
    xTitle: t("clv.months"),
    kind: "revenue",
  });
}
