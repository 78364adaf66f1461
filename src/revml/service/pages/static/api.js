// The read API of this service. An answer that is an error becomes a Problem with the server's own words.

export class Problem extends Error {
  constructor(content) {
    super(content.detail);
    this.code = (content.type ?? "").split(":").pop();
    this.content = content;
  }
}

async function get(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  let answer;
  try {
    answer = await fetch(text ? `${path}?${text}` : path);
  } catch {
    throw new Problem({ type: "urn:revml:problem:away", detail: "" });
  }
  if (answer.status === 401) signIn();
  const content = await answer.json().catch(() => ({ detail: `${answer.status} ${answer.statusText}` }));
  if (!answer.ok) throw new Problem(content);
  return content;
}

/** The session ended, or the key did: the log-in page, and back to the same view afterwards. */
function signIn() {
  location.replace(`/login${location.hash}`);
}

async function send(method, path, body) {
  let answer;
  try {
    const sent = body === undefined ? {} : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    answer = await fetch(path, { method, ...sent });
  } catch {
    throw new Problem({ type: "urn:revml:problem:away", detail: "" });
  }
  const content = await answer.json().catch(() => ({ detail: "" }));
  if (!answer.ok) throw new Problem(content);
  return content;
}

export const session = {
  current: () => get("/session"),
  open: (key) => send("POST", "/session", { key }),
  close: () => send("DELETE", "/session"),
};

let mine = null; // asked once: a page begins with its session and ends with it

/** Who reads this page: whether signed in, and the scopes. What cannot be told is nothing. */
export function reader() {
  mine ??= session.current().catch(() => {
    mine = null;
    return { signed_in: false, scopes: [] };
  });
  return mine;
}

/** Whether the reader has a scope: asked before what the service would refuse. */
export async function may(scope) {
  return (await reader()).scopes.includes(scope);
}

export const api = {
  texts: (language) => get(`/texts/${language}.json`),
  totals: () => get("/v1/totals"),
  forecast: () => get("/v1/forecast"),
  kpis: (by, lang) => get("/v1/kpis", { by, lang }),
  scenarios: (lang) => get("/v1/scenarios", { lang }),
  facets: (question) => get("/v1/facets", { question }),
  accounts: (parameters) => get("/v1/accounts", parameters),
  changes: (id, lang) => get(`/v1/accounts/${encodeURIComponent(id)}/changes`, { lang }),
  levers: (id, question, item, lang) => get(`/v1/accounts/${encodeURIComponent(id)}/levers`, { question, item, lang }),
  whatIf: (id, body, lang) => send("POST", `/v1/accounts/${encodeURIComponent(id)}/what-if?lang=${lang}`, body),
  account: (id, lang) => get(`/v1/accounts/${encodeURIComponent(id)}`, { lang }),
  exportAddress: (parameters) => {
    const given = Object.entries(parameters).filter(([, value]) => value);
    return `/v1/export.csv?${new URLSearchParams(given)}`;
  },
};
