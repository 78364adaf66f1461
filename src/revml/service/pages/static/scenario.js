// What if: the published standard scenarios below the company's forecast, their effect in money and what they assume.

import { api } from "./api.js";
import { h } from "./dom.js";
import { scrolled } from "./parts.js";
import { currentLanguage, money, number, t } from "./words.js";

const YEAR = 12;

/** A drawing of the forecast with the scenarios below it; segments and runs without scenarios have none. */
export function withScenarios(draw) {
  return async (main, place) => {
    await draw(main, place);
    if (place.segment !== null && place.segment !== undefined) return;
    if (main.querySelector(".totals") === null) return; // no forecast, no scenarios
    const answer = await api.scenarios(currentLanguage());
    if (answer.scenarios.length) main.append(panel(answer));
  };
}

function panel(answer) {
  const last = answer.horizons.at(-1);
  const columns = [["clv", last], ["revenue", YEAR], ["mrr", YEAR]].filter(([name, months]) => answer.scenarios.some((one) => figure(one, name, months)));
  const headers = [t("scenario.change"), ...columns.map(([name, months]) => t(`scenario.${name}`, { n: number(months) }))];
  const effect = (one, [name, months]) => {
    const found = figure(one, name, months);
    return h("td", {}, found ? money(found.difference, answer.currency, { sign: true }) : "–");
  };
  const row = (one) => h("tr", {}, h("th", { scope: "row" }, one.title), columns.map((column) => effect(one, column)));
  return h(
    "section",
    { class: "panel scenarios" },
    h("h2", {}, t("scenario")),
    h("p", { class: "hint" }, t("scenario.about")),
    scrolled(
      t("scenario"),
      h("table", { class: "plain numbers" }, h("thead", {}, h("tr", {}, headers.map((header) => h("th", { scope: "col" }, header)))), h("tbody", {}, answer.scenarios.map(row))),
    ),
    h("details", {}, h("summary", {}, t("scenario.assumed")), answer.scenarios.map((one) => [h("h3", {}, one.title), h("ul", {}, one.assumed_texts.map((text) => h("li", {}, text)))])),
  );
}

function figure(one, name, months) {
  return one.figures.find((row) => row.name === name && row.months === months);
}
