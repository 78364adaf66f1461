// The head of every page: whose accounts, how fresh, which language.

import { reader, session } from "./api.js";
import { byId, h } from "./dom.js";
import { PAGES, here } from "./route.js";
import { LANGUAGES, ago, currentLanguage, date, daysSince, t } from "./words.js";

const OLD_DAYS = 35;

export function drawHeader(run, onLanguage) {
  const company = run?.company ?? document.querySelector('meta[name="revml-company"]').content;
  const fresh = run && [
    h("span", {}, t("as_of", { date: date(run.as_of) })),
    h("span", { title: new Date(run.published_at).toLocaleString(currentLanguage()) }, t("published", { ago: ago(run.published_at) })),
  ];
  byId("top").replaceChildren(
    h("a", { class: "brand", href: "#/" }, mark(), h("span", {}, company)),
    menu(),
    h("p", { class: "fresh" }, fresh ?? ""),
    h(
      "div",
      { class: "languages", role: "group", "aria-label": t("language") },
      LANGUAGES.map((language) =>
        h(
          "button",
          {
            type: "button",
            lang: language,
            title: t(`language.${language}`),
            "aria-pressed": String(language === currentLanguage()),
            onclick: () => onLanguage(language),
          },
          language.toUpperCase(),
        ),
      ),
    ),
    run && daysSince(run.published_at) > OLD_DAYS ? h("p", { class: "stale" }, t("stale")) : "",
  );
  drawSignOut();
  byId("skip").textContent = t("skip");
  byId("foot").replaceChildren(
    h("p", {}, t("footer")),
    h("p", {}, h("a", { href: `/api?lang=${currentLanguage()}` }, t("footer.api"))),
  );
}

async function drawSignOut() {
  if (!(await reader()).signed_in || byId("sign-out")) return;
  const leave = async () => {
    await session.close().catch(() => null);
    location.replace("/login");
  };
  document.querySelector(".languages")?.after(h("button", { type: "button", id: "sign-out", class: "sign-out", onclick: leave }, t("login.out")));
}

function menu() {
  const at = PAGES.includes(here().view) ? here().view : "accounts";
  return h(
    "nav",
    { class: "menu", "aria-label": t("nav") },
    ["accounts", ...PAGES].map((page) =>
      h("a", { href: page === "accounts" ? "#/" : `#/${page}`, "aria-current": page === at ? "page" : null }, t(`nav.${page}`)),
    ),
  );
}

function mark() {
  return h("img", { src: "/static/icon.svg", alt: "", width: 28, height: 28 });
}
