// The strip of sums over all accounts of a question.

import { h, s } from "./dom.js";
import { listAddress } from "./route.js";
import { counted, isLoss, tone, worded } from "./parts.js";
import { money, t } from "./words.js";

const BANDS = ["high", "medium", "low"];

export function totalsStrip(totals, question) {
  const sums = totals.questions.find((one) => one.question === question);
  if (!sums) return null;
  const currency = totals.run.currency;
  const loss = isLoss(question);
  const moved = sums.previous_expected_money === null ? null : sums.expected_money - sums.previous_expected_money;
  return h(
    "section",
    { class: "totals" },
    figure(
      t(loss ? "totals.at_risk" : "totals.chance"),
      money(sums.money_at_risk, currency, { compact: true }),
      t(loss ? "totals.at_risk.about" : worded(question, "totals.chance.about", "totals.chance.about.pairs")),
      `lead ${tone(question)}`,
    ),
    figure(
      t(loss ? "totals.loss" : "totals.gain"),
      money(sums.expected_money, currency, { compact: true }),
      withUnknown(
        sums,
        moved === null
          ? t(worded(question, "totals.expected.about", "totals.expected.about.pairs"))
          : t("totals.since", { change: money(moved, currency, { compact: true, sign: true }) }),
      ),
    ),
    bands(sums, question),
    totals.clv === null
      ? null
      : figure(t("totals.clv"), money(totals.clv, currency, { compact: true }), t("totals.clv.about")),
  );
}

/** A line about a sum, and what adds nothing to it because its money is not known. */
function withUnknown(sums, about) {
  return sums.unknown_money ? t("totals.unknown", { about, counted: counted(sums.question, sums.unknown_money) }) : about;
}

function figure(label, value, about, kind = "") {
  return h("div", { class: `total ${kind}` }, h("h2", {}, label), h("p", { class: "value" }, value), h("p", { class: "hint" }, about));
}

function bands(sums, question) {
  let x = 0;
  const parts = BANDS.map((name) => {
    const width = (200 * sums.bands[name].accounts) / sums.accounts;
    const part = s("rect", { class: name, x, width: Math.max(width - 1, 0), height: 10, rx: 2 });
    x += width;
    return part;
  });
  return h(
    "div",
    { class: `total bands ${tone(question)}` },
    h("h2", {}, t(worded(question, "totals.bands", "totals.bands.pairs"))),
    s("svg", { class: "stack", viewBox: "0 0 200 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
    h(
      "p",
      { class: "legend" },
      BANDS.map((name) =>
        h(
          "a",
          { href: listAddress(question, { band: name }), class: name },
          t(`band.${name}`),
          " ",
          h("b", { "aria-label": counted(question, sums.bands[name].accounts) }, String(sums.bands[name].accounts)),
        ),
      ),
    ),
  );
}
