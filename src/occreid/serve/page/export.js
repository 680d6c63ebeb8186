// A report of one search: one HTML file that needs nothing else, made in the browser and kept nowhere.

import { described, element, seenWords, worth } from "./dom.js";

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:32px auto;max-width:900px;padding:0 16px;color:#17202b}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:8px;border-bottom:1px solid #dbe1e8;vertical-align:top}
img{height:140px;display:block}dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px}dt{color:#55616f}dd{margin:0;overflow-wrap:anywhere}`;

export function reportHtml(search, about) {
  const facts = [
    ["Search", search.found.search_id],
    ["When", new Date(search.when).toISOString()],
    ["Who", about.key],
    ["File", search.file],
    ["Frame", search.box || "whole picture"],
    ["Narrowed to", search.narrowed.join("; ") || "nothing: all entries"],
    ["Method", `${about.method}, ${about.metric}`],
    ["Weights (SHA-256)", about.weights_sha256],
    ["Probability", about.calibration ?? "none: this service is not calibrated"],
    ["Entries this key reaches", String(about.entries)],
  ];
  const rows = search.found.hits.map((hit) =>
    element("tr", {},
      element("td", {}, String(hit.rank)),
      element("td", {}, hit.picture ? element("img", { src: hit.picture, alt: `answer ${hit.rank}` }) : "not kept"),
      element("td", {}, ...[hit.probability === null ? null : worth(hit, about.prior).join(" "), `distance ${hit.distance.toFixed(4)}`].filter(Boolean).map((t) => element("div", {}, t))),
      element("td", {}, ...[...described(hit), seenWords(hit.visibility), `id ${hit.id}`].filter(Boolean).map((t) => element("div", {}, t))),
      element("td", {}, search.marks.get(hit.id) ?? "not judged")));
  const page = element("html", { lang: "en" },
    element("head", {},
      element("meta", { charset: "utf-8" }),
      element("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; img-src data:; style-src 'unsafe-inline'" }),
      element("title", {}, `occreid search ${search.found.search_id}`),
      element("style", {}, STYLE)),
    element("body", {},
      element("h1", {}, "Report of a search"),
      element("p", {}, "A ranked list is a suggestion, not an identification."),
      element("img", { src: search.preview, alt: "the person searched for" }),
      element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
      element("table", {},
        element("thead", {}, element("tr", {}, ...["Rank", "Picture", "How near", "What is known", "Judged"].map((t) => element("th", { scope: "col" }, t)))),
        element("tbody", {}, ...rows))));
  return `<!doctype html>\n${page.outerHTML}\n`;
}

export function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
