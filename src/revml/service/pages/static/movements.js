// MRR by month as stacked bars: what was won stands above the line, what was lost below it; the same as a table.

import { h, s } from "./dom.js";
import { niceTicks } from "./chart.js";
import { month, money, number, t } from "./words.js";

const WON = ["new", "expansion", "reactivation"];
const LOST = ["churn", "contraction"];
const NARROW = "(max-width: 760px)";
const LETTER = 7.4;

/** @param rows [{month, start, new, expansion, contraction, churn, reactivation, end, customers, lost}] in order */
export function movementsChart(rows, currency, title) {
  const narrow = matchMedia(NARROW).matches;
  const shown = narrow ? rows.slice(-12) : rows;
  const sum = (row, kinds) => kinds.reduce((all, kind) => all + row[kind], 0);
  const high = Math.max(...shown.map((row) => sum(row, WON)), 0);
  const low = Math.min(...shown.map((row) => sum(row, LOST)), 0);
  const ticks = niceTicks(low, high);
  const text = (y) => money(y, currency, { compact: true });
  const size = { width: narrow ? 326 : 1140, height: narrow ? 230 : 270, top: 12, bottom: 30, right: 8 };
  size.left = 12 + LETTER * Math.max(...ticks.map((y) => text(y).length));
  const [yLow, yHigh] = [ticks[0], ticks.at(-1)];
  const py = (y) => size.height - size.bottom - ((y - yLow) / (yHigh - yLow || 1)) * (size.height - size.top - size.bottom);
  const step = (size.width - size.left - size.right) / shown.length;
  const width = Math.min(step * 0.7, 46);
  const every = Math.ceil(shown.length / (narrow ? 4 : 12));
  const readout = h("span", { class: "readout" });
  const bars = shown.map((row, i) => {
    const x = size.left + step * i + (step - width) / 2;
    let [up, down] = [0, 0];
    const part = (kind) => {
      const from = row[kind] > 0 ? up : down;
      if (row[kind] > 0) up += row[kind];
      else down += row[kind];
      const [top, bottom] = [py(Math.max(from, from + row[kind])), py(Math.min(from, from + row[kind]))];
      return s("rect", { class: `move ${kind}`, x, y: top, width, height: Math.max(bottom - top, 0) });
    };
    return s(
      "g",
      { class: "bar" },
      s("rect", { class: "reach", x: size.left + step * i, y: size.top, width: step, height: size.height - size.top - size.bottom }),
      [...WON, ...LOST].filter((kind) => row[kind]).map(part),
    );
  });
  const svg = s(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": title, tabindex: "0" },
    ticks.map((y) => [
      s("line", { class: y ? "grid" : "grid zero", x1: size.left, x2: size.width - size.right, y1: py(y), y2: py(y) }),
      s("text", { class: "tick", x: size.left - 8, y: py(y) + 4, "text-anchor": "end" }, text(y)),
    ]),
    bars,
    shown.map((row, i) =>
      i % every === 0
        ? s("text", { class: "tick", x: size.left + step * (i + 0.5), y: size.height - 9, "text-anchor": "middle" }, month(row.month))
        : null,
    ),
  );
  let at = shown.length - 1;
  const show = (i) => {
    at = Math.max(0, Math.min(shown.length - 1, i));
    bars.forEach((bar, k) => bar.classList.toggle("chosen", k === at));
    const row = shown[at];
    const parts = [...WON, ...LOST].filter((kind) => row[kind]).map((kind) => `${t(`kpis.kind.${kind}`)} ${money(row[kind], currency, { sign: true })}`);
    const ends = `${money(row.start, currency)} → ${money(row.end, currency)}`;
    readout.textContent = `${month(row.month)}: ${[ends, ...parts].join(", ")}`;
  };
  const hide = () => {
    bars.forEach((bar) => bar.classList.remove("chosen"));
    readout.textContent = "";
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.floor((((event.clientX - box.left) / box.width) * size.width - size.left) / step));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("focus", () => show(at));
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const moved = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (moved) {
      event.preventDefault();
      show(at + moved);
    }
  });
  return h(
    "figure",
    { class: "chart movements" },
    h("figcaption", {}, legend(), readout),
    svg,
    h("details", {}, h("summary", {}, t("kpis.as_table")), asTable(rows)),
  );
}

function legend() {
  return h(
    "span",
    { class: "legend" },
    [...WON, ...LOST].map((kind) =>
      h("span", {}, s("svg", { class: "key", viewBox: "0 0 10 10", "aria-hidden": "true" }, s("rect", { class: `move ${kind}`, width: 10, height: 10, rx: 2 })), t(`kpis.kind.${kind}`)),
    ),
  );
}

function asTable(rows) {
  const sums = ["start", "new", "expansion", "reactivation", "contraction", "churn", "end"];
  const counts = ["customers", "lost"];
  const names = ["month", ...sums, ...counts];
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "plain numbers" },
      h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, t(`kpis.kind.${name}`))))),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, month(row.month)),
            sums.map((name) => h("td", {}, number(row[name], 2))),
            counts.map((name) => h("td", {}, number(row[name]))),
          ),
        ),
      ),
    ),
  );
}
