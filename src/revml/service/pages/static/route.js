// Where the reader is, as the part of the address behind #, so that every view can be bookmarked and sent.
//   #/churn?band=high&search=acme          a list
//   #/account/ID?question=churn            an account; of pairs &item=FAMILY
//   #/forecast?segment=Software&new=off    the company's forecast, without new business
//   #/kpis?by=industry&segment=Software    the key figures

const LIST_KEYS = ["search", "band", "owner", "industry", "country", "item", "attention", "order"];
// Views of the whole company, in the order of the menu.
export const PAGES = ["forecast", "kpis"];

export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parameters = Object.fromEntries(new URLSearchParams(query));
  if (path.startsWith("account/")) {
    return { view: "account", id: decode(path.slice("account/".length)), question: parameters.question ?? null, item: parameters.item ?? "" };
  }
  if (path === "forecast") return { view: path, segment: parameters.segment ?? null, fresh: parameters.new !== "off" };
  if (PAGES.includes(path)) return { view: path, by: parameters.by ?? "", segment: parameters.segment ?? "" };
  const filters = Object.fromEntries(LIST_KEYS.map((key) => [key, parameters[key] ?? ""]));
  return { view: "list", question: path || null, filters };
}

export function listAddress(question, filters = {}) {
  const query = new URLSearchParams(Object.entries(filters).filter(([key, value]) => LIST_KEYS.includes(key) && value));
  const text = query.toString();
  return `#/${question ?? ""}${text ? `?${text}` : ""}`;
}

export function accountAddress(id, question, item) {
  const thing = item ? `&item=${encodeURIComponent(item)}` : "";
  return `#/account/${encodeURIComponent(id)}${question ? `?question=${question}${thing}` : ""}`;
}

export function kpisAddress(by, segment) {
  const text = new URLSearchParams(Object.entries({ by, segment }).filter(([, value]) => value)).toString();
  return `#/kpis${text ? `?${text}` : ""}`;
}

/** `segment` is null for the whole company; a segment may have no name. */
export function forecastAddress(segment, fresh) {
  const query = new URLSearchParams();
  if (segment !== null) query.set("segment", segment);
  if (!fresh) query.set("new", "off");
  const text = query.toString();
  return `#/forecast${text ? `?${text}` : ""}`;
}

export function go(address, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", address);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = address;
  }
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
