// One account: what the models say, why, what it is worth, how it went.

import { api, may } from "./api.js";
import { askingOf } from "./asking.js";
import { lineChart, niceTicks } from "./chart.js";
import { h, s } from "./dom.js";
import { attention, band, isLoss, probability, tone, trend } from "./parts.js";
import { accountAddress, listAddress } from "./route.js";
import { currentLanguage, date, has, money, number, percent, t } from "./words.js";
import { worthOf } from "./worth.js";

export async function drawAccount(main, id, asked, thing) {
  const [found, explained] = await Promise.all([api.account(id, currentLanguage()), may("explain:read")]);
  const scored = found.scores.map((score) => score.question);
  const question = scored.includes(asked) ? asked : (scored[0] ?? null);
  const currency = found.run.currency;
  // Of pairs (which family next) a question has many scores, the best first.
  const mine = found.scores.filter((score) => score.question === question);
  const item = (mine.find((score) => score.item === thing) ?? mine[0])?.item ?? "";
  const cards = found.scores.filter((score, i) => found.scores.findIndex((one) => one.question === score.question) === i);
  document.title = `${found.account.name || found.account.account_id} · revml`;
  const parts = [
    h("a", { class: "back", href: listAddress(question) }, "← ", t("account.back")),
    head(found.account, currency),
    h("div", { class: "scores", role: "group", "aria-label": t("account.scores") }, cards.map((score) => scoreCard(score, question, found))),
    mine.length > 1 ? itemsOf(found, mine, item) : null,
    question === null ? h("p", { class: "hint" }, t("account.not_scored")) : reasonsOf(found, question, item, explained),
    question === null ? null : askingOf(found, question, item),
    question === null ? null : horizonsOf(found, question),
    question === null ? null : historyOf(found, question, item),
    worthOf(found),
  ];
  main.replaceChildren(...parts.filter((part) => part !== null)); // a null would be drawn as a word
}

function head(account, currency) {
  const facts = [
    [t("account.owner"), account.owner],
    [t("account.industry"), account.industry],
    [t("account.country"), account.country],
    [t("account.region"), account.region],
    [t("account.parent"), account.parent_account_id && h("a", { href: accountAddress(account.parent_account_id) }, account.parent_account_id)],
    [t("account.since"), account.customer_since && date(account.customer_since)],
    [t("account.mrr"), account.mrr ? money(account.mrr, currency) : null],
    [t("account.orders"), account.order_revenue_12m ? money(account.order_revenue_12m, currency) : null],
    [t("account.id"), account.account_id],
  ];
  return h(
    "header",
    { class: "account" },
    h("h1", { tabindex: "-1" }, account.name || account.account_id),
    h("dl", {}, facts.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
  );
}

function scoreCard(score, chosen, found) {
  const currency = found.run.currency;
  const loss = isLoss(score.question);
  return h(
    "a",
    {
      class: `card ${tone(score.question)}`,
      href: accountAddress(found.account.account_id, score.question),
      "aria-current": score.question === chosen ? "true" : null,
    },
    h("h2", {}, named(score.question, score.item)),
    h("p", { class: "big" }, probability(score), band(score.band, score.question), attention(score)),
    h("p", {}, score.change === null ? null : [trend(score), " "], h("span", { class: "hint" }, t(loss ? "account.percentile" : score.item ? "account.percentile.pairs" : "account.percentile.gain", { share: percent(score.percentile / 100, 0) }))),
    h(
      "p",
      {},
      h("b", {}, money(score.expected_money, currency)),
      " ",
      h("span", { class: "hint" }, `${t(loss ? "column.loss" : "column.gain").toLowerCase()}, ${t("account.of_year", { money: money(score.money, currency) })}`),
    ),
  );
}

/** The families that an account may buy next, the most money first; each leads to its reasons. */
function itemsOf(found, scores, item) {
  const currency = found.run.currency;
  const columns = [t("item"), t("column.probability"), t("column.money"), t("column.gain"), t("column.reason")];
  const first = (score) => {
    const reasons = found.reasons.filter((reason) => reason.question === score.question && reason.item === score.item);
    return (reasons.find((reason) => reason.side === "raises") ?? reasons[0])?.text ?? "–";
  };
  const row = (score) => {
    const cells = [
      h("a", { href: accountAddress(found.account.account_id, score.question, score.item), "aria-current": score.item === item ? "true" : null }, score.item),
      [probability(score), " ", band(score.band, score.question)],
      money(score.money, currency),
      h("b", {}, money(score.expected_money, currency)),
      h("span", { class: "reason" }, first(score)),
    ];
    return h("tr", {}, cells.map((cell, i) => h(i ? "td" : "th", { scope: i ? null : "row", "data-label": columns[i] }, cell)));
  };
  return h(
    "section",
    { class: "panel items" },
    h("h2", {}, t(`question.${scores[0].question}`)),
    h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, scores.map(row))),
  );
}

function named(question, item) {
  return item ? `${t(`question.${question}`)}: ${item}` : t(`question.${question}`);
}

function reasonsOf(found, question, item, explained) {
  const reasons = found.reasons.filter((reason) => reason.question === question && reason.item === item);
  const greatest = Math.max(...reasons.map((reason) => Math.abs(reason.contribution)), 1e-9);
  const side = (name) => {
    const mine = reasons.filter((reason) => reason.side === name);
    return h(
      "div",
      { class: `side ${name} ${tone(question)}` },
      h("h3", {}, t(`account.${name}`)),
      mine.length
        ? h("ul", {}, mine.map((reason) => h("li", {}, strength(reason, greatest), h("span", {}, reason.text))))
        : h("p", { class: "hint" }, t(`account.${name}.none`)),
    );
  };
  return h(
    "section",
    { class: "panel why" },
    h("h2", {}, `${t("account.reasons")}: ${named(question, item)}`),
    reasons.length ? h("div", { class: "sides" }, side("raises"), side("lowers")) : h("p", { class: "hint" }, t(explained ? "account.reasons.none" : "account.reasons.hidden")),
  );
}

function strength(reason, greatest) {
  const width = Math.max((48 * Math.abs(reason.contribution)) / greatest, 3);
  return s("svg", { class: "strength", viewBox: "0 0 48 8", "aria-hidden": "true" }, s("rect", { width, height: 8, rx: 2 }));
}

function horizonsOf(found, question) {
  const horizons = found.scores.find((score) => score.question === question).horizons;
  const about = has(`horizons.about.${question}`) ? t(`horizons.about.${question}`) : t("horizons.about");
  if (!horizons.length && !has(`horizons.none.${question}`)) return null;
  return h(
    "section",
    { class: "panel horizons" },
    h("h2", {}, `${t("horizons")}: ${t(`question.${question}`)}`),
    horizons.length
      ? h("dl", { class: "figures" }, horizons.map((one) =>
          h(
            "div",
            {},
            h("dt", {}, t("horizons.days", { n: number(one.days) })),
            h("dd", {}, percent(one.probability, 1), one.extrapolated ? h("span", { class: "hint" }, t("horizons.extrapolated")) : null),
          ),
        ))
      : null,
    h("p", { class: "hint" }, horizons.length ? about : t(`horizons.none.${question}`)),
  );
}

function historyOf(found, question, item) {
  const past = found.history.filter((one) => one.question === question && one.item === item);
  const title = h("h2", {}, `${t("history")}: ${named(question, item)}`);
  if (past.length < 2) return h("section", { class: "panel" }, title, h("p", { class: "hint" }, t("history.first")));
  const points = past.map((one) => ({ x: Date.parse(one.as_of), y: one.probability, label: date(one.as_of) }));
  const yTicks = niceTicks(0, Math.max(...points.map((point) => point.y))).filter((y) => y <= 1);
  const digits = yTicks[1] < 0.01 ? 1 : 0;
  const ends = [points[0], points.at(-1)];
  return h(
    "section",
    { class: "panel" },
    title,
    lineChart(points, {
      title: t("history.label", { from: ends[0].label, to: ends[1].label }),
      yTicks,
      yText: (y, exact) => percent(y, exact ? 1 : digits),
      xTicks: ends.map((point) => [point.x, point.label]),
      dots: true,
      wide: true,
      kind: tone(question),
    }),
  );
}
