// Small pieces that several views share: bands, probabilities, trends, notices.

import { h, s } from "./dom.js";
import { count, percent, points, t } from "./words.js";

const LOSSES = ["churn", "contraction", "lapse"];
const PAIRS = ["cross_sell"];

/** So many of what a list of the question counts: accounts, or offers of a family to an account. */
export function counted(question, n) {
  return PAIRS.includes(question) ? count("pairs", n) : count("accounts", n);
}

/** The text that speaks of accounts, or the one that speaks of offers. */
export function worded(question, ofAccounts, ofPairs) {
  return PAIRS.includes(question) ? ofPairs : ofAccounts;
}

/** A loss is what one fears, the others are what one hopes for. */
export function isLoss(question) {
  return LOSSES.includes(question);
}

export function tone(question) {
  return isLoss(question) ? "loss" : "gain";
}

export function band(name, question) {
  return h("span", { class: `band ${name} ${tone(question)}` }, t(`band.${name}`));
}

/** Whether a play was done lately, or one was held back; nothing where neither was, or where nothing is known. */
export function attention(score) {
  if (!["treated", "held_out"].includes(score.attention)) return null;
  return h("span", { class: "attention", title: t("attention.about") }, t(`attention.${score.attention}`));
}

/** The probability as a number and a bar of its length. */
export function probability(score) {
  const width = Math.max(score.probability * 64, 1.5);
  return h(
    "span",
    { class: "probability" },
    h("span", { class: "figure" }, percent(score.probability)),
    s(
      "svg",
      { class: `meter ${score.band} ${tone(score.question)}`, viewBox: "0 0 64 6", "aria-hidden": "true" },
      s("rect", { class: "rail", width: 64, height: 6, rx: 3 }),
      s("rect", { class: "fill", width, height: 6, rx: 3 }),
    ),
  );
}

/** How the probability moved since the run before. */
export function trend(score) {
  if (score.change === null) return h("span", { class: "trend none" }, t("new"));
  const still = Math.abs(score.change) < 0.0005;
  const bad = score.change > 0 === isLoss(score.question);
  const arrow = still ? "M1 5h8" : score.change > 0 ? "M1 8l4-5 4 5" : "M1 2l4 5 4-5";
  return h(
    "span",
    { class: `trend ${still ? "still" : bad ? "worse" : "better"}` },
    s("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, s("path", { d: arrow })),
    points(still ? 0 : score.change),
  );
}

/** A table that may be wider than the screen: it scrolls by itself, by keyboard too, under a name. */
export function scrolled(label, table, kind = "") {
  return h("div", { class: `scroll ${kind}`.trim(), tabindex: "0", role: "region", "aria-label": label }, table);
}

/** A message in place of a view. */
export function notice(title, ...content) {
  return h("section", { class: "notice" }, h("h1", { tabindex: "-1" }, title), ...content);
}

// Failures that a reader can meet by an old link or a closed lid are told in the reader's language.
const OWN_WORDS = ["away", "not-found"];

/** A failure, else in the server's words, and the ways out. */
export function failure(problem, retry, back) {
  const told = problem.content ?? {};
  return notice(
    t("error.title"),
    h("p", {}, OWN_WORDS.includes(problem.code) ? t(`error.${problem.code}`) : told.detail || String(problem.message)),
    told.got && h("p", { class: "hint" }, told.got),
    told.do && !OWN_WORDS.includes(problem.code) && h("p", { class: "hint" }, told.do),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "button", class: "button", onclick: retry }, t("error.retry")),
      back && h("a", { class: "button quiet", href: back }, t("error.list")),
    ),
  );
}

/** Before the first publish. */
export function nothingYet() {
  return notice(
    t("empty.none.title"),
    h("p", {}, t("empty.none.text")),
    h("pre", {}, h("code", {}, "revml score")),
  );
}
