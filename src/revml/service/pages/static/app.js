// The start: reads the address, draws the view it names, and draws again when the address or the language changes.

import { drawAccount } from "./account.js";
import { api } from "./api.js";
import { byId, h } from "./dom.js";
import { drawForecast } from "./forecast.js";
import { drawHeader } from "./header.js";
import { drawKpis } from "./kpis.js";
import { drawList } from "./list.js";
import { failure, nothingYet } from "./parts.js";
import { go, here, listAddress } from "./route.js";
import { withScenarios } from "./scenario.js";
import { rememberedLanguage, speak, t } from "./words.js";

const PAGES = { forecast: withScenarios(drawForecast), kpis: drawKpis }; // views of the whole company, by their place in the address
let totals = null;
let drawn = 0;
let last = { view: null, question: null };

async function draw() {
  const turn = ++drawn;
  const main = byId("main");
  const place = here();
  const fresh = h("div", { class: "view" });
  main.setAttribute("aria-busy", "true");
  try {
    if (place.view === "list" || totals === null) totals = await api.totals();
    if (place.view === "account") {
      await drawAccount(fresh, place.id, place.question, place.item);
    } else if (place.view in PAGES) {
      await PAGES[place.view](fresh, place);
    } else {
      const known = totals.questions.map((one) => one.question);
      const question = known.includes(place.question) ? place.question : known[0];
      document.title = `${t(`question.${question}`)} · ${totals.run.company} · revml`;
      await drawList(fresh, totals, question, place.filters);
    }
  } catch (problem) {
    if (!("content" in problem)) throw problem;
    if (problem.code === "nothing-published") totals = null;
    fresh.replaceChildren(
      problem.code === "nothing-published" ? nothingYet() : failure(problem, draw, place.view === "list" ? null : listAddress(null)),
    );
  }
  if (turn !== drawn) return; // the reader is already elsewhere
  const search = document.activeElement?.id === "search" ? document.activeElement : null;
  const typing = search && { value: search.value, at: search.selectionStart };
  drawHeader(totals?.run ?? null, choose);
  main.replaceChildren(fresh);
  main.removeAttribute("aria-busy");
  settle(place, typing);
}

/** Focus and scrolling: a new view begins at its top, a changed filter leaves the reader where they are. */
function settle(place, typing) {
  const moved = last.view !== null && (last.view !== place.view || last.id !== place.id);
  const search = byId("search");
  if (typing && search) {
    search.focus();
    search.value = typing.value; // what was typed while the list was on its way
    search.setSelectionRange(typing.at, typing.at);
    if (typing.value.trim() !== place.filters.search) search.dispatchEvent(new Event("input"));
  } else if (moved) {
    window.scrollTo(0, 0);
    document.querySelector("main h1")?.focus({ preventScroll: true });
  }
  last = place;
}

async function choose(language) {
  try {
    await speak(language);
  } finally {
    await draw();
    document.querySelector(`.languages [lang=${language}]`)?.focus();
  }
}

window.addEventListener("hashchange", draw);
window.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !writing) {
    event.preventDefault();
    byId("search")?.focus();
  } else if (event.key === "Escape" && !writing && here().view === "account") {
    go(document.querySelector("a.back")?.getAttribute("href") ?? "#/");
  }
});
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});

await speak(rememberedLanguage()).catch(() => {});
await draw();
