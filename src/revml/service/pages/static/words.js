// Texts, numbers, money and dates in the reader's language. Texts come from the service's catalogues.

import { api } from "./api.js";

export const LANGUAGES = ["en", "cs"];
const REMEMBERED = "revml.language";
let language = "en";
let texts = {};

export function currentLanguage() {
  return language;
}

export function rememberedLanguage() {
  const known = LANGUAGES.includes(document.documentElement.lang) ? document.documentElement.lang : "en";
  try {
    const chosen = localStorage.getItem(REMEMBERED);
    return LANGUAGES.includes(chosen) ? chosen : known;
  } catch {
    return known; // a browser may forbid storage
  }
}

export async function speak(chosen) {
  texts = await api.texts(chosen);
  language = chosen;
  document.documentElement.lang = chosen;
  try {
    localStorage.setItem(REMEMBERED, chosen);
  } catch {
    // the choice then lasts as long as the page
  }
}

/** The text under a key, with {name} filled. */
export function t(key, values = {}) {
  const template = texts[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function has(key) {
  return key in texts;
}

/** `n` things in the language's plural form. */
export function count(key, n) {
  const form = new Intl.PluralRules(language).select(n);
  return t(has(`${key}.${form}`) ? `${key}.${form}` : `${key}.other`, { n: number(n) });
}

export function number(value, digits = 0) {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}

export function percent(share, digits = share < 0.095 ? 1 : 0, { sign = false } = {}) {
  return minus(new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits, signDisplay: sign ? "exceptZero" : "auto" }).format(share));
}

/** A change of a probability in points, with its sign. */
export function points(change) {
  const digits = Math.abs(change) < 0.095 ? 1 : 0;
  const format = new Intl.NumberFormat(language, { maximumFractionDigits: digits, signDisplay: "exceptZero" });
  return t("points", { n: minus(format.format(100 * change)) });
}

export function money(value, currency, { compact = false, sign = false, cents = false } = {}) {
  if (value === null || value === undefined) return "–";
  const format = new Intl.NumberFormat(language, {
    style: "currency",
    currency,
    maximumFractionDigits: cents ? 2 : compact && Math.abs(value) >= 1000 ? 1 : 0,
    minimumFractionDigits: cents ? 2 : 0,
    notation: compact ? "compact" : "standard",
    signDisplay: sign ? "exceptZero" : "auto",
  });
  return minus(format.format(value));
}

/** A real minus sign in place of a hyphen. */
function minus(text) {
  return text.replace("-", "−");
}

export function date(value) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(value));
}

/** `2026-03` as a month and year. */
export function month(value) {
  return new Intl.DateTimeFormat(language, { month: "short", year: "2-digit", timeZone: "UTC" }).format(new Date(`${value}-01T00:00:00Z`));
}

const STEPS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

/** How long ago an instant was, in words. */
export function ago(value) {
  const seconds = (new Date(value) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return format.format(Math.round(seconds / size), unit);
}

export function daysSince(value) {
  return (Date.now() - new Date(value)) / 86400000;
}
