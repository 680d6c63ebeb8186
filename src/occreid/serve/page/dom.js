// Building elements. Text is only ever set as text, so nothing a gallery holds can become markup.

const PARTS = ["head", "torso and arms", "upper legs", "lower legs and feet"];

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const moment = (seconds) =>
  seconds === null ? null : `${new Date(seconds * 1000).toISOString().replace("T", " ").slice(0, 19)} UTC`;

export function described(hit) {
  return [
    hit.pid === null ? null : `person ${hit.pid}`,
    hit.camid === null ? null : `camera ${hit.camid}`,
    moment(hit.timestamp),
    hit.tags.length ? hit.tags.join(", ") : null,
  ].filter(Boolean);
}

// What an answer is worth: a calibrated probability, which never stands without its prior, else the plain distance.
export function worth(hit, prior) {
  if (hit.probability === null) return [hit.distance.toFixed(3), "distance, less is nearer"];
  const at = prior === 0.5 ? "even odds" : `a prior of ${+(100 * prior).toFixed(2)} %`;
  return [`${(100 * hit.probability).toFixed(1)} %`, `the same at ${at}`];
}

const named = (seen) => (part, place) => (seen.length === PARTS.length ? PARTS[place] : `part ${place + 1}`);

// Which parts were seen: words for a screen reader and for the report.
export function seenWords(visibility) {
  if (visibility.length < 2) return "";
  const missing = visibility.map((seen, i) => (seen ? null : named(visibility)(seen, i))).filter(Boolean);
  return missing.length ? `not seen: ${missing.join(", ")}` : "all parts seen";
}

export function partsBar(visibility) {
  if (visibility.length < 2) return null;
  const items = visibility.map((seen, i) =>
    element("li", { class: seen ? null : "hidden-part", title: `${named(visibility)(seen, i)}: ${seen ? "seen" : "not seen"}` }));
  return element("ul", { class: "parts", role: "img", "aria-label": seenWords(visibility) }, ...items);
}
