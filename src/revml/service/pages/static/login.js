// The log-in page: a key is given once, and the service answers with a cookie that no script can read.

import { session } from "./api.js";
import { byId, h } from "./dom.js";
import { LANGUAGES, currentLanguage, rememberedLanguage, speak, t } from "./words.js";

const TOLD = { "key-needed": "login.wrong", "too-many-requests": "login.busy", away: "login.away" };

function draw(told = null) {
  document.title = `${t("login.title")} · revml`;
  const key = h("input", {
    id: "key",
    type: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    required: true,
    "aria-describedby": told ? "told" : null,
    "aria-invalid": told ? "true" : null,
  });
  const form = h(
    "form",
    { class: "login-form", onsubmit: (event) => signIn(event, key) },
    h("label", { for: "key" }, t("login.key")),
    key,
    told ? h("p", { id: "told", class: "login-told", role: "alert" }, told) : "",
    h("button", { type: "submit" }, t("login.do")),
  );
  byId("main").replaceChildren(
    h("img", { src: "/static/icon.svg", alt: "", width: 40, height: 40 }),
    h("h1", {}, t("login.title")),
    h("p", { class: "hint" }, t("login.about")),
    form,
    h(
      "div",
      { class: "languages", role: "group", "aria-label": t("language") },
      LANGUAGES.map((language) =>
        h(
          "button",
          { type: "button", lang: language, "aria-pressed": String(language === currentLanguage()), onclick: () => choose(language) },
          language.toUpperCase(),
        ),
      ),
    ),
  );
  byId("main").removeAttribute("aria-busy");
  key.focus();
}

async function choose(language) {
  await speak(language);
  draw();
}

async function signIn(event, key) {
  event.preventDefault();
  try {
    await session.open(key.value.trim());
  } catch (problem) {
    draw(t(TOLD[problem.code] ?? "login.failed"));
    return;
  }
  location.replace(`/${location.hash}`);
}

await speak(rememberedLanguage());
draw();
