// Line charts as SVG: a curve over steps or dates, axes with few labels, a read-out under the pointer or the arrow keys.

import { h, s } from "./dom.js";

const MARGINS = { right: 14, top: 14, bottom: 30 };
const LETTER = 7.4; // width of a letter of the axis, in the drawing's units
const NARROW = "(max-width: 760px)";

/** The drawing's size: near the size on the screen, so that its letters are as large as the text around it. */
function box(wide, labels) {
  const width = matchMedia(NARROW).matches ? 326 : wide ? 1140 : 530;
  const left = 14 + LETTER * Math.max(...labels.map((label) => label.length));
  return { width, height: wide ? 210 : 230, left, ...MARGINS };
}

/**
 * @param points [{x, y, label}] in order; `label` names x in the read-out; `low` and `high` where a point has a range
 * @param options {title, yTicks: [numbers], yText: y -> text, xTicks: [[x, text]], area, wide, dots: bool, kind: class, xTitle,
 *   mark: x of an upright line, such as today; behind: more curves on the same axes, thin and without a read-out; rangeText: (low, high) -> text}
 */
export function lineChart(points, options) {
  const size = box(options.wide, options.yTicks.map((y) => options.yText(y)));
  const xs = points.map((point) => point.x);
  const [xLow, xHigh] = [Math.min(...xs), Math.max(...xs)];
  const [yLow, yHigh] = [Math.min(0, ...options.yTicks), Math.max(...options.yTicks)];
  const px = (x) => size.left + ((x - xLow) / (xHigh - xLow || 1)) * (size.width - size.left - size.right);
  const py = (y) => size.height - size.bottom - ((y - yLow) / (yHigh - yLow || 1)) * (size.height - size.top - size.bottom);
  const line = (some) => some.map((point, i) => `${i ? "L" : "M"}${px(point.x).toFixed(1)} ${py(point.y).toFixed(1)}`).join("");
  const path = line(points);
  const ranged = (point) => point.low !== undefined && point.low !== null;
  const range = points.filter(ranged);
  const floor = py(yLow).toFixed(1);
  const readout = h("span", { class: "readout" });
  const cursor = s("g", { class: "cursor", visibility: "hidden" }, s("line", { y1: size.top, y2: floor }), s("circle", { r: 4 }));
  const dots = points.length <= 30 && options.dots;
  const svg = s(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": options.title, tabindex: "0" },
    options.yTicks.map((y) => [
      s("line", { class: "grid", x1: size.left, x2: size.width - size.right, y1: py(y), y2: py(y) }),
      s("text", { class: "tick", x: size.left - 8, y: py(y) + 4, "text-anchor": "end" }, options.yText(y)),
    ]),
    options.xTicks.map(([x, text], i) =>
      s("text", { class: "tick", x: px(x), y: size.height - 9, "text-anchor": anchor(i, options.xTicks.length) }, text),
    ),
    options.area ? s("path", { class: "area", d: `${path}L${px(xHigh).toFixed(1)} ${floor}L${px(xLow).toFixed(1)} ${floor}Z` }) : null,
    range.length > 1 ? s("path", { class: "range", d: `${line(range.map((point) => ({ x: point.x, y: point.high })))}L${line([...range].reverse().map((point) => ({ x: point.x, y: point.low }))).slice(1)}Z` }) : null,
    options.mark === undefined ? null : s("line", { class: "mark", x1: px(options.mark), x2: px(options.mark), y1: size.top, y2: floor }),
    (options.behind ?? []).map((one) => s("path", { class: "behind", d: line(one) })),
    s("path", { class: "curve", d: path }),
    dots ? points.map((point) => s("circle", { class: "dot", cx: px(point.x), cy: py(point.y), r: 3.5 })) : null,
    cursor,
  );
  let at = points.length - 1;
  const show = (i) => {
    at = Math.max(0, Math.min(points.length - 1, i));
    const [line, circle] = cursor.children;
    const x = px(points[at].x);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    circle.setAttribute("cx", x);
    circle.setAttribute("cy", py(points[at].y));
    cursor.setAttribute("visibility", "visible");
    const about = ranged(points[at]) && options.rangeText ? ` (${options.rangeText(points[at].low, points[at].high)})` : "";
    readout.textContent = `${points[at].label}: ${options.yText(points[at].y, true)}${about}`;
  };
  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    readout.textContent = "";
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * size.width;
    show(points.reduce((best, point, i) => (Math.abs(px(point.x) - x) < Math.abs(px(points[best].x) - x) ? i : best), 0));
  });
  svg.addEventListener("pointerleave", hide);
  svg.addEventListener("focus", () => show(at));
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      event.preventDefault();
      show(at + step);
    }
  });
  return h(
    "figure",
    { class: `chart ${options.kind ?? ""}` },
    h("figcaption", {}, options.title, readout),
    svg,
    options.xTitle ? h("p", { class: "hint axis" }, options.xTitle) : null,
  );
}

function anchor(i, all) {
  if (all === 1) return "middle";
  return i === 0 ? "start" : i === all - 1 ? "end" : "middle";
}

/** Round numbers that reach from 0 (or below) over `high`, about four steps. */
export function niceTicks(low, high) {
  const span = high - Math.min(0, low) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const ticks = [];
  for (let y = Math.floor(Math.min(0, low) / step) * step; ticks.length < 2 || ticks.at(-1) < high; y += step) ticks.push(y);
  return ticks;
}
