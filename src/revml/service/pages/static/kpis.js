// The key figures: a card each with definition and caveat, MRR by month, segments, cohorts, orders.

import { api } from "./api.js";
import { cohortPanel } from "./cohorts.js";
import { h, s } from "./dom.js";
import { movementsChart } from "./movements.js";
import { notice } from "./parts.js";
import { go, kpisAddress } from "./route.js";
import { count, currentLanguage, date, money, month, number, percent, t } from "./words.js";

const GROUPS = [
  ["contract", ["mrr", "paying", "retention", "logo_churn", "grr", "nrr", "expansion_rate", "quick_ratio"]],
  ["orders", ["order_revenue", "active_customers", "active_share", "repeat_rate", "purchases", "order_rhythm"]],
  ["customers", ["arpc", "clv", "cac", "ltv_cac", "payback", "largest_share"]],
];
const COMPARED = ["mrr", "nrr", "grr", "logo_churn", "order_revenue", "repeat_rate", "arpc", "clv", "ltv_cac"];
// What a whole group lacks is said once.
const RELATIONS = ["no_subscriptions", "no_orders"];

export async function drawKpis(main, place) {
  let told;
  try {
    told = await api.kpis(place.by, currentLanguage());
  } catch (problem) {
    if (problem.code !== "not-found") throw problem;
    main.replaceChildren(notice(t("kpis.none.title"), h("p", {}, t("kpis.none.text")), h("pre", {}, h("code", {}, "revml score"))));
    return;
  }
  const currency = told.run.currency;
  const chosen = told.segments.find((one) => one.label === place.segment) ?? null;
  const shown = chosen ?? told;
  document.title = `${t("kpis.title")} · ${told.run.company} · revml`;
  const parts = [
    h("h1", { tabindex: "-1" }, chosen ? `${t("kpis.title")}: ${chosen.label}` : t("kpis.title")),
    h("p", { class: "hint lead" }, t("kpis.about", { months: number(told.months), date: date(told.as_of) })),
    toolbar(told, place, chosen),
    place.by ? comparison(told, place.by, chosen, currency) : null,
    GROUPS.map(([group, names]) => cards(group, names, shown.kpis, chosen ? null : told.series, currency)),
    shown.movements.length
      ? h(
          "section",
          { class: "panel" },
          h("h2", {}, chosen ? `${told.about.movements.label}: ${chosen.label}` : told.about.movements.label),
          h("p", { class: "hint" }, told.about.movements.definition, " ", told.about.movements.caveat),
          movementsChart(shown.movements, currency, told.about.movements.label),
        )
      : null,
    chosen ? null : cohorts(told),
    chosen ? null : orders(told, currency),
  ];
  main.replaceChildren(...parts.flat(2).filter((part) => part !== null)); // a null would be drawn as a word
}

function cohorts(told) {
  const { contract, orders } = told.cohorts;
  return [
    cohortPanel(contract, "retention", "month", told.about["contract.retention"]),
    cohortPanel(contract, "revenue", "month", told.about["contract.revenue"]),
    cohortPanel(orders, "retention", "quarter", told.about["orders.retention"]),
  ];
}

function toolbar(told, place, chosen) {
  const choice = (label, value, options, change) => {
    const select = h(
      "select",
      { onchange: (event) => change(event.target.value) },
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
    );
    return h("label", { class: "choice" }, h("span", {}, label), select);
  };
  return h(
    "div",
    { class: "toolbar" },
    choice(
      t("kpis.by"),
      place.by,
      [["", t("kpis.whole")], ...told.kinds.map((kind) => [kind.by, kind.label])],
      (by) => go(kpisAddress(by)),
    ),
    told.segments.length
      ? choice(
          t("kpis.segment"),
          chosen?.label ?? "",
          [["", t("kpis.every")], ...told.segments.map((one) => [one.label, one.label])],
          (segment) => go(kpisAddress(place.by, segment)),
        )
      : null,
  );
}

/** A figure as people write it. */
function written(kpi, currency) {
  if (kpi.value === null) return "—";
  if (kpi.unit === "money") return money(kpi.value, currency);
  if (kpi.unit === "share") return percent(kpi.value, 1);
  if (kpi.unit === "months" || kpi.unit === "days") return t(`kpis.unit.${kpi.unit}`, { n: number(kpi.value, 1) });
  return number(kpi.value, kpi.unit === "ratio" ? 2 : 0);
}

function cards(group, names, kpis, series, currency) {
  const found = names.map((name) => kpis.find((kpi) => kpi.name === name)).filter(Boolean);
  const absent = found.length > 0 && found.every((kpi) => RELATIONS.includes(kpi.reason));
  return h(
    "section",
    { class: "kpi-group" },
    h("h2", {}, t(`kpis.group.${group}`)),
    absent
      ? h("p", { class: "hint" }, found[0].reason_text, " — ", found.map((kpi) => kpi.label).join(", "))
      : h("div", { class: "kpis" }, found.map((kpi) => card(kpi, series, currency))),
  );
}

function card(kpi, series, currency) {
  return h(
    "article",
    { class: kpi.value === null ? "kpi none" : "kpi", "data-kpi": kpi.name },
    h("h3", {}, kpi.label),
    h("p", { class: "value" }, written(kpi, currency), series ? spark(series, kpi.name) : null),
    kpi.accounts ? h("p", { class: "hint" }, t("kpis.basis", { counted: count("accounts", kpi.accounts) })) : null,
    kpi.reason_text ? h("p", { class: "caution" }, kpi.reason_text) : null,
    kpi.caution_texts.map((text) => h("p", { class: "caution" }, text)),
    h("p", {}, kpi.definition),
    h("p", { class: "hint" }, kpi.caveat),
  );
}

/** The figure by month, as a line without numbers; months without a value are left out. */
function spark(series, name) {
  const values = series.map((one) => one.kpis.find((kpi) => kpi.name === name)?.value ?? null);
  const known = values.filter((value) => value !== null);
  if (known.length < 3) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const px = (i) => (2 + (i / (values.length - 1)) * 86).toFixed(1);
  const py = (value) => (high > low ? 23 - ((value - low) / (high - low)) * 20 : 13).toFixed(1);
  let pen = "M";
  const path = values
    .map((value, i) => {
      if (value === null) {
        pen = "M";
        return "";
      }
      const part = `${pen}${px(i)} ${py(value)}`;
      pen = "L";
      return part;
    })
    .join("");
  return s("svg", { class: "spark", viewBox: "0 0 90 26", "aria-hidden": "true" }, s("path", { d: path }));
}

function comparison(told, by, chosen, currency) {
  const has = (name) => told.segments.some((one) => one.kpis.find((kpi) => kpi.name === name)?.value);
  const names = COMPARED.filter(has);
  const label = (name) => told.kpis.find((kpi) => kpi.name === name).label;
  const cell = (kpis, name) => {
    const kpi = kpis.find((one) => one.name === name);
    const why = [kpi.reason_text, ...kpi.caution_texts].filter(Boolean).join(" ");
    return h("td", { title: why || null }, written(kpi, currency), kpi.caution_texts.length ? " *" : null);
  };
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, `${told.about.segments.label}: ${told.kinds.find((kind) => kind.by === by)?.label ?? by}`),
    h("p", { class: "hint" }, told.about.segments.definition, " ", told.about.segments.caveat),
    told.segments.length
      ? h(
          "div",
          { class: "scroll", tabindex: "0", role: "region", "aria-label": told.about.segments.label },
          h(
            "table",
            { class: "plain numbers" },
            h("thead", {}, h("tr", {}, [t("kpis.segment"), t("kpis.accounts"), ...names.map(label)].map((text) => h("th", { scope: "col" }, text)))),
            h(
              "tbody",
              {},
              told.segments.map((one) =>
                h(
                  "tr",
                  {},
                  h("th", { scope: "row" }, h("a", { href: kpisAddress(by, one.label), "aria-current": one === chosen ? "true" : null }, one.label)),
                  h("td", {}, number(one.accounts)),
                  names.map((name) => cell(one.kpis, name)),
                ),
              ),
              h("tr", { class: "sum" }, h("th", { scope: "row" }, t("kpis.whole")), h("td", {}, number(told.segments.reduce((n, one) => n + one.accounts, 0))), names.map((name) => cell(told.kpis, name))),
            ),
          ),
        )
      : h("p", { class: "hint" }, t("kpis.no_segments")),
    told.segments.some((one) => names.some((name) => one.kpis.find((kpi) => kpi.name === name).caution_texts.length))
      ? h("p", { class: "hint" }, t("kpis.star"))
      : null,
  );
}

function orders(told, currency) {
  if (!told.orders.length) return null;
  const greatest = Math.max(...told.orders.map((one) => one.revenue), 1);
  const most = Math.max(...told.families.map((one) => one.revenue), 1);
  const row = (name, one, top) =>
    h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, money(one.revenue, currency)), h("td", { class: "length" }, length(one.revenue / top)), h("td", {}, number(one.customers)), "share" in one ? h("td", {}, one.share === null ? "—" : percent(one.share, 0)) : null);
  const table = (first, lines, last) =>
    h(
      "div",
      { class: "scroll narrow" },
      h(
        "table",
        { class: "plain numbers" },
        h("thead", {}, h("tr", {}, [first, t("kpis.revenue"), "", t("kpis.kind.customers"), ...last].map((text) => h("th", { scope: "col" }, text)))),
        h("tbody", {}, lines),
      ),
    );
  return h(
    "section",
    { class: "panel" },
    h("h2", {}, t("kpis.orders")),
    told.families.length ? [h("h3", {}, told.about.families.label), h("p", { class: "hint" }, told.about.families.definition, " ", told.about.families.caveat)] : null,
    told.families.length ? table(t("kpis.family"), told.families.map((one) => row(one.label, one, most)), [t("kpis.share")]) : null,
    h("h3", {}, t("kpis.by_month")),
    table(t("kpis.kind.month"), told.orders.map((one) => row(month(one.month), one, greatest)), []),
  );
}

function length(share) {
  return s("svg", { class: "length", viewBox: "0 0 120 8", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: Math.max(share * 120, 0), height: 8, rx: 2 }));
}
