// The list: accounts of a question by money, filtered, searched, sorted, page by page.

import { api, may } from "./api.js";
import { byId, h, settled } from "./dom.js";
import { attention, band, counted, failure, isLoss, probability, trend, worded } from "./parts.js";
import { accountAddress, go, here, listAddress } from "./route.js";
import { totalsStrip } from "./totals.js";
import { currentLanguage, money, number, percent, t } from "./words.js";

const PAGE = 25;
const SORTS = ["expected_money", "probability", "change", "clv", "name"];
// Filters whose values are revml's own words, in the order in which they are offered.
const WORDED = { band: ["high", "medium", "low"], attention: ["treated", "held_out", "neither"] };
const FILTERS = ["band", "item", "owner", "industry", "country", "attention"];

/** Draws the list into `main`; `totals` is the head of the current run. */
export async function drawList(main, totals, question, filters) {
  const [facets, exports] = await Promise.all([api.facets(question), may("export:read")]);
  const results = h("div", { class: "results" });
  main.replaceChildren(
    questionTabs(totals, question, filters),
    about(totals.run, question),
    totalsStrip(totals, question) ?? "",
    toolbar(question, filters, facets, exports),
    results,
  );
  await drawPage(results, totals.run, question, filters, [null]);
}

function questionTabs(totals, question, filters) {
  const kept = { owner: filters.owner, industry: filters.industry, country: filters.country, search: filters.search };
  return h(
    "nav",
    { class: "questions", "aria-label": t("question") },
    totals.questions.map((one) =>
      h(
        "a",
        { href: listAddress(one.question, kept), "aria-current": one.question === question ? "page" : null },
        t(`question.${one.question}`),
      ),
    ),
  );
}

function about(run, question) {
  const model = run.models.find((one) => one.question === question);
  const known = model.horizon_days > 0; // a table without dates may not say how far ahead it looks
  const days = number(model.horizon_days);
  return h(
    "div",
    { class: "about" },
    h("h1", { tabindex: "-1" }, known ? t(`question.${question}.about`, { days }) : t(`question.${question}.undated`)),
    h(
      "p",
      { class: "hint" },
      h("b", {}, t("model", { version: model.version })),
      " · ",
      t(known ? worded(question, "model.about", "model.about.pairs") : "model.undated", {
        rung: t(`model.rung.${model.rung}`),
        days,
        rate: percent(model.base_rate),
      }),
    ),
  );
}

function toolbar(question, filters, facets, exports) {
  // The address is read when something changes: another filter may have changed since this was drawn.
  const change = (name, value, options) => go(listAddress(question, { ...here().filters, [name]: value }), options);
  const search = h("input", {
    type: "search",
    id: "search",
    value: filters.search,
    placeholder: t("filter.search"),
    "aria-label": t("filter.search"),
    "aria-keyshortcuts": "/",
    autocomplete: "off",
    maxlength: 256,
    oninput: settled((event) => change("search", event.target.value.trim(), { replace: true })),
  });
  const active = FILTERS.some((name) => filters[name]) || filters.search;
  return h(
    "form",
    { class: "toolbar", role: "search", onsubmit: (event) => event.preventDefault() },
    search,
    FILTERS.filter((name) => facets[name].length > (name === "band" ? 0 : 1)).map((name) =>
      choice(
        name === "band" ? t("band") : t(`filter.${name}`),
        name,
        [["", t("filter.all")], ...sorted(name, facets[name]).map((one) => [one.value, label(name, one)])],
        filters[name],
        (value) => change(name, value),
      ),
    ),
    choice(
      t("filter.sort"),
      "order",
      SORTS.map((order) => [order, sortName(order, question)]),
      filters.order || "expected_money",
      (value) => change("order", value === "expected_money" ? "" : value),
    ),
    h(
      "div",
      { class: "ends" },
      active ? h("a", { class: "button quiet", href: listAddress(question) }, t("filter.clear")) : null,
      exports
        ? h(
            "a",
            { class: "button", href: api.exportAddress({ question, ...filters, lang: currentLanguage() }), download: "" },
            t("export"),
          )
        : null,
    ),
  );
}

/** Bands from high to low, groups of plays as ever; all else as the service sends it, the most frequent first. */
function sorted(name, values) {
  const order = WORDED[name];
  return order ? order.map((value) => values.find((one) => one.value === value)).filter(Boolean) : values;
}

function label(name, one) {
  return `${WORDED[name] ? t(`${name}.${one.value}`) : one.value} (${number(one.accounts)})`;
}

function sortName(order, question) {
  if (order === "expected_money") return t(isLoss(question) ? "column.loss" : "column.gain");
  return t(`sort.${order}`);
}

function choice(text, name, options, chosen, onchange) {
  return h(
    "label",
    { class: "choice" },
    h("span", {}, text),
    h(
      "select",
      { name, onchange: (event) => onchange(event.target.value) },
      options.map(([value, shown]) => h("option", { value, selected: value === chosen }, shown)),
    ),
  );
}

/** Draws the page that the last cursor of `cursors` begins. */
async function drawPage(results, run, question, filters, cursors) {
  const asked = { question, ...filters, after: cursors.at(-1), limit: PAGE, lang: currentLanguage() };
  results.setAttribute("aria-busy", "true");
  try {
    const page = await api.accounts(asked);
    const from = (cursors.length - 1) * PAGE + 1;
    byId("status").textContent = counted(question, page.total);
    if (page.total === 0) {
      results.replaceChildren(h("div", { class: "notice" }, h("h2", {}, t("empty.match.title")), h("p", {}, t("empty.match.text"))));
      return;
    }
    const turn = (next) => drawPage(results, run, question, filters, next).then(() => results.scrollIntoView());
    results.replaceChildren(
      table(page, question, filters),
      h(
        "nav",
        { class: "pager" },
        h("span", {}, t("page.range", { from: number(from), to: number(from + page.accounts.length - 1), total: counted(question, page.total) })),
        button(t("page.previous"), cursors.length > 1, () => turn(cursors.slice(0, -1))),
        button(t("page.next"), page.after !== null, () => turn([...cursors, page.after])),
      ),
    );
  } catch (problem) {
    results.replaceChildren(failure(problem, () => drawPage(results, run, question, filters, [null])));
  } finally {
    results.removeAttribute("aria-busy");
  }
}

function button(text, enabled, onclick) {
  return h("button", { type: "button", class: "button quiet", disabled: !enabled, onclick }, text);
}

function table(page, question, filters) {
  const order = filters.order || "expected_money";
  const expected = t(isLoss(question) ? "column.loss" : "column.gain");
  const columns = [
    [t("column.account"), "name", ""],
    [t("column.probability"), "probability", ""],
    [t("column.band"), null, ""],
    [t("column.money"), null, "right"],
    [expected, "expected_money", "right"],
    [t("column.change"), "change", ""],
    [t("column.reason"), null, ""],
  ];
  const currency = page.run.currency;
  const names = columns.map(([name]) => name);
  return h(
    "table",
    {},
    h("caption", { class: "visually-hidden" }, t("list.caption", { order: sortName(order, question) })),
    h("thead", {}, h("tr", {}, columns.map((column) => heading(column, order, question, filters)))),
    h("tbody", {}, page.accounts.map((row) => line(row, question, currency, names))),
  );
}

function heading([name, sort, side], order, question, filters) {
  if (!sort) return h("th", { scope: "col", class: side }, name);
  const sorted = order === sort;
  const direction = sort === "name" ? "ascending" : "descending";
  const address = listAddress(question, { ...filters, order: sort === "expected_money" ? "" : sort });
  return h("th", { scope: "col", class: side, "aria-sort": sorted ? direction : null }, h("a", { href: address }, name));
}

function line(row, question, currency, names) {
  const { account, score, reason } = row;
  const address = accountAddress(account.account_id, question, score.item);
  const under = [account.owner ?? t("unowned"), account.industry].filter(Boolean).join(" · ");
  const cells = [
    [h("a", { class: "name", href: address }, account.name || account.account_id), score.item ? h("b", { class: "item" }, score.item) : null, h("span", { class: "hint" }, under), attention(score)],
    [probability(score)],
    [band(score.band, question)],
    [money(score.money, currency)],
    [h("b", {}, money(score.expected_money, currency))],
    [trend(score)],
    [reason ? h("span", { class: "reason", title: reason.text }, reason.text) : h("span", { class: "hint" }, "–")],
  ];
  const open = (event) => {
    if (!event.target.closest("a") && !String(getSelection())) go(address);
  };
  return h(
    "tr",
    { onclick: open },
    cells.map((content, i) =>
      h(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, "data-label": names[i], class: `c${i}` }, content),
    ),
  );
}
