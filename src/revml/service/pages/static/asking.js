// A published score asked about: what changed since the run before, what people could do, and a form to ask the model.

import { api, may } from "./api.js";
import { h } from "./dom.js";
import { scrolled } from "./parts.js";
import { currentLanguage, date, percent, t } from "./words.js";

const WHOLE = ["count", "days", "flag"];
const LEAST = 0.005; // log-odds; smaller parts are told in the API alone

/** A place that fills itself once the answers are there; what cannot be asked leaves it empty. */
export function askingOf(found, question, item) {
  const place = h("div", { class: "asking" });
  fill(place, found, question, item).catch((problem) => {
    if (!("content" in problem)) throw problem; // what the service refuses is not shown, the rest of the page stands
  });
  return place;
}

async function fill(place, found, question, item) {
  if (!(await may("explain:read"))) return;
  const id = found.account.account_id;
  const told = await api.changes(id, currentLanguage());
  const changed = changesOf(told, question, item);
  if (changed) place.append(changed);
  if (!told.askable.includes(question)) return;
  const levers = await api.levers(id, question, item, currentLanguage());
  if (levers.tried.length) place.append(leversOf(levers, id, question, item));
}

function changesOf(told, question, item) {
  if (told.since === null) return null;
  const title = h("h2", {}, t("changes", { date: date(told.since) }));
  const mine = told.changes.find((one) => one.question === question && one.item === item);
  if (!mine) return h("section", { class: "panel changes" }, title, h("p", { class: "hint" }, t("changes.untold")));
  const lines = mine.lines.filter((line) => Math.abs(line.log_odds) >= LEAST);
  return h(
    "section",
    { class: "panel changes" },
    title,
    h("p", {}, mine.text),
    lines.length
      ? [h("ul", {}, lines.map((line) => h("li", { class: line.log_odds > 0 ? "raised" : "lowered" }, line.text))), h("p", { class: "hint" }, t("changes.about"))]
      : h("p", { class: "hint" }, t("changes.none")),
  );
}

function leversOf(levers, id, question, item) {
  const columns = [t("lever.change"), t("lever.gives"), t("lever.why")];
  const row = (lever) => {
    const step = lever.steps[0];
    const cells = [step.text, percent(lever.probability, 1), step.reason];
    return h("tr", {}, cells.map((cell, i) => h(i ? "td" : "th", { scope: i ? null : "row", "data-label": columns[i] }, cell)));
  };
  return h(
    "section",
    { class: "panel levers" },
    h("h2", {}, t("lever")),
    h("p", {}, levers.text),
    levers.singles.length
      ? scrolled(t("lever.about"), h("table", { class: "plain" }, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, levers.singles.map(row))))
      : null,
    h("p", { class: "hint" }, levers.caution),
    h("details", {}, h("summary", {}, t("lever.ask")), form(levers, id, question, item)),
  );
}

function form(levers, id, question, item) {
  const answer = h("div", { class: "answer", role: "status", "aria-live": "polite" });
  const fields = levers.tried.map((one, i) => {
    const whole = WHOLE.includes(one.kind);
    const input = h("input", { id: `lever-${i}`, name: one.feature, type: "number", step: whole ? "1" : "any", min: "0", max: one.kind === "flag" ? "1" : null, placeholder: Number(one.value.toPrecision(3)), inputmode: whole ? "numeric" : "decimal" });
    return h("div", { class: "field" }, h("label", { for: `lever-${i}` }, one.label, " ", h("span", { class: "hint" }, t("lever.now", { value: one.text }))), input);
  });
  const ask = async (event) => {
    event.preventDefault();
    const given = [...event.target.elements].filter((input) => input.name && input.value !== "");
    if (!given.length) return;
    const values = Object.fromEntries(given.map((input) => [input.name, Number(input.value)]));
    try {
      const told = await api.whatIf(id, { question, ...(item ? { item } : {}), set: values }, currentLanguage());
      answer.replaceChildren(...said(told));
    } catch (problem) {
      if (!("content" in problem)) throw problem;
      answer.replaceChildren(h("p", { class: "refused" }, [problem.content.detail, problem.content.wanted].filter(Boolean).join(": ")));
    }
  };
  return h(
    "form",
    { class: "what-if", onsubmit: ask, onreset: () => answer.replaceChildren() },
    h("p", { class: "hint" }, t("lever.ask.about")),
    h("div", { class: "fields" }, fields),
    h("p", { class: "actions" }, h("button", { type: "submit", class: "button" }, t("lever.button")), h("button", { type: "reset", class: "button quiet" }, t("lever.reset"))),
    answer,
  );
}

function said(told) {
  const concepts = told.concepts.filter((one) => Math.abs(one.difference) >= LEAST);
  const list = (items) => h("ul", {}, items.map((text) => h("li", {}, text)));
  const titled = (key, items) => (items.length ? [h("h3", {}, t(key)), list(items)] : []);
  const folded = (key, items) => (items.length ? [h("details", {}, h("summary", {}, t(key)), list(items))] : []);
  return [
    h("p", {}, h("b", {}, told.text)),
    ...told.warnings.map((text) => h("p", { class: "warning" }, text)),
    ...titled("lever.concepts", concepts.map((one) => `${one.text}: × ${factor(one.difference)}`)),
    ...folded("lever.along", told.recomputed.map((one) => one.text)),
    ...folded("lever.left", told.left.map((one) => one.label)),
  ];
}

/** What a difference of log-odds does to the odds. */
function factor(difference) {
  return new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: 2 }).format(Math.exp(difference));
}
