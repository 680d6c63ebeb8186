// The page: sign in, choose, narrow, search, judge, export. It talks to this service only.

import { Cropper } from "./crop.js";
import { described, element, moment, partsBar, seenWords, worth } from "./dom.js";
import { download, reportHtml } from "./export.js";

const at = (id) => document.getElementById(id);
const KEY = "occreid-key";
const cropper = new Cropper(at("cropper"));
const state = { about: null, file: null, search: null };

class Problem extends Error {
  constructor(status, said) {
    super([said.problem, said.hint].filter(Boolean).join(" "));
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ""}`, ...options.headers };
  const answer = await fetch(path, { ...options, headers }).catch(() => {
    throw new Error("The service does not answer.");
  });
  const body = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) {
    if (answer.status === 401) signOut();
    throw new Problem(answer.status, body);
  }
  return body;
}

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("problem", wrong);
}

// ---- key

async function signIn() {
  state.about = await ask("/v1/about");
  const { entries, model, key, calibrated } = state.about;
  at("about").textContent =
    `${entries.toLocaleString("en")} pictures, described by ${model}${calibrated ? ", calibrated" : ""}. Signed in as ${key}.`;
  at("sign").textContent = "Sign out";
  at("k").max = state.about.max_k;
  showCameras(state.about.cameras);
  ready();
  if (state.file && !at("cropper").hidden) propose(state.file);
}

function signOut() {
  sessionStorage.removeItem(KEY);
  state.about = null;
  at("about").textContent = "Not signed in.";
  at("sign").textContent = "Sign in";
  ready();
}

at("sign").addEventListener("click", () => {
  if (!state.about) { at("key-dialog").showModal(); return; }
  signOut();
  clearResults();
  say("Signed out.");
});

at("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, at("key").value.trim());
  at("key-problem").textContent = "";
  try {
    await signIn();
    at("key").value = "";
    at("key-dialog").close();
  } catch (error) {
    sessionStorage.removeItem(KEY);
    at("key-problem").textContent = error.message;
  }
});

function showCameras(cameras) {
  at("cameras").querySelectorAll("label").forEach((label) => label.remove());
  for (const camera of cameras) {
    at("cameras").append(element("label", {}, element("input", { type: "checkbox", value: camera }), `${camera}`));
  }
}

// ---- picture

async function choose(file) {
  if (!file) return;
  state.file = file;
  const address = URL.createObjectURL(file);
  at("cropper").hidden = false;
  try {
    await cropper.load(address);
    say(`${file.name}: search all of it, or draw a frame.`);
  } catch (error) {
    at("cropper").hidden = true;
    say(error.message);
  }
  ready();
  if (!at("cropper").hidden) await propose(file);
}

// The persons in a scene, if this service can find them; a crop of one person needs none.
async function propose(file) {
  const possible = Boolean(state.about?.proposes_boxes);
  at("or-click").hidden = !possible;
  at("propose").hidden = true;
  if (!possible) return;
  const form = new FormData();
  form.append("picture", file, "picture");
  try {
    const { boxes } = await ask("/v1/boxes", { method: "POST", body: form });
    if (state.file !== file) return;
    cropper.propose(boxes);
    if (state.search?.picture !== file) say(boxes.length ? `${boxes.length} ${boxes.length === 1 ? "person" : "persons"} found: click one, draw a frame, or search all of it.` : "No person was found: draw a frame, or search all of it.");
  } catch (error) {
    if (state.file !== file) return;
    at("propose").hidden = false;
    say(error.message, true);
  }
}

at("propose").addEventListener("click", () => propose(state.file));
at("file").addEventListener("change", () => choose(at("file").files[0]));
addEventListener("paste", (event) => choose([...event.clipboardData.files].find((f) => f.type.startsWith("image/"))));
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    at("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") choose(event.dataTransfer.files[0]);
  });
}

function ready() {
  at("go").disabled = !(state.file && state.about);
}

// ---- search

const utc = (input) => (input.value ? Date.parse(`${input.value}Z`) / 1000 : null);

function wanted() {
  const form = new FormData();
  form.append("picture", state.file, "picture");
  const cameras = [...at("cameras").querySelectorAll("input:checked")].map((input) => input.value);
  const [start, end] = [utc(at("start")), utc(at("end"))];
  const tag = at("tag").value.trim();
  const { scope_camids: reach, scope_tags: carried } = state.about;
  const narrowed = [
    cameras.length ? `camera ${cameras.join(", ")}` : "",
    start === null ? "" : `from ${moment(start)}`,
    end === null ? "" : `until ${moment(end)}`,
    tag ? `tag ${tag}` : "",
    reach ? `this key's cameras: ${reach.join(", ")}` : "",
    carried.length ? `this key's tags: ${carried.join(", ")}` : "",
  ].filter(Boolean);
  for (const camera of cameras) form.append("camids", camera);
  if (start !== null) form.append("start", start);
  if (end !== null) form.append("end", end);
  if (tag) form.append("tags", tag);
  if (cropper.text) form.append("box", cropper.text);
  form.append("k", at("k").value);
  form.append("pictures", "true");
  return { form, narrowed };
}

at("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { form, narrowed } = wanted();
  clearResults();
  at("go").disabled = true;
  say("Searching …");
  try {
    const found = await ask("/v1/search", { method: "POST", body: form });
    const preview = at("cropper").hidden ? "" : cropper.preview();
    state.search = { found, narrowed, preview, file: state.file.name, picture: state.file, box: cropper.text, when: Date.now(), marks: new Map() };
    showResults();
  } catch (error) {
    say(error.message, true);
  }
  ready();
});

function clearResults() {
  state.search = null;
  at("hits").replaceChildren();
  at("query").replaceChildren();
  at("keys-help").hidden = true;
  at("looked").disabled = at("export").disabled = true;
  hideMaps();
}

function showResults() {
  const { found, narrowed, preview } = state.search;
  const words = seenWords(found.visibility);
  at("query").replaceChildren(element("div", { class: "query" },
    element("div", { class: "frame" }, preview ? element("img", { src: preview, alt: "The person searched for" }) : null),
    element("dl", {},
      element("dt", {}, "Searched"), element("dd", {}, narrowed.join("; ") || "all entries"),
      ...(words ? [element("dt", {}, "Query"), element("dd", {}, words)] : []),
      element("dt", {}, "Probability"), element("dd", {}, state.about.calibration ?? "none: this service is not calibrated, distances are shown."),
      element("dt", {}, "Search id"), element("dd", {}, found.search_id))));
  at("hits").replaceChildren(...found.hits.map(card));
  say(found.hits.length ? `${found.hits.length} answers, most alike first.` : "Nobody in the gallery passes this filter.");
  at("keys-help").hidden = !found.hits.length;
  at("export").disabled = false;
  at("looked").disabled = false;
  at("hits").firstElementChild?.focus({ preventScroll: true });
}

function card(hit) {
  const [value, what] = worth(hit, state.about.prior);
  const judge = (verdict, text) =>
    element("button", { type: "button", class: "quiet", "data-verdict": verdict, "aria-pressed": "false", onclick: () => mark(hit.id, verdict) }, text);
  return element("li", { class: "hit", tabindex: "0", "data-id": hit.id, "aria-label": `Answer ${hit.rank}: ${value} ${what}. ${described(hit).join(", ")}` },
    element("div", { class: "frame" },
      element("span", { class: "rank" }, String(hit.rank)),
      hit.picture ? element("img", { src: hit.picture, alt: `Answer ${hit.rank}` }) : element("span", { class: "none" }, "picture not kept")),
    element("div", { class: "how" }, value, " ", element("small", {}, what)),
    partsBar(hit.visibility),
    element("div", { class: "facts" }, ...described(hit).map((text) => element("div", {}, text))),
    element("div", { class: "verdict", role: "group", "aria-label": `Judge answer ${hit.rank}` }, judge("right", "Right"), judge("wrong", "Wrong")));
}

// ---- judging

async function mark(id, verdict) {
  const { found, marks } = state.search;
  const chosen = marks.get(id) === verdict ? "unsure" : verdict;
  try {
    const headers = { "Content-Type": "application/json" };
    await ask("/v1/marks", { method: "POST", headers, body: JSON.stringify({ search_id: found.search_id, id, verdict: chosen }) });
  } catch (error) {
    say(error.message, true);
    return;
  }
  if (chosen === "unsure") marks.delete(id); else marks.set(id, chosen);
  const hit = [...at("hits").children].find((item) => item.dataset.id === id);
  hit.classList.toggle("right", chosen === "right");
  hit.classList.toggle("wrong", chosen === "wrong");
  for (const button of hit.querySelectorAll("[data-verdict]")) button.setAttribute("aria-pressed", String(button.dataset.verdict === chosen));
  const count = (what) => [...marks.values()].filter((value) => value === what).length;
  say(`${count("right")} marked right, ${count("wrong")} wrong.`);
}

at("hits").addEventListener("keydown", (event) => {
  const hit = event.target.closest(".hit");
  if (!hit || event.ctrlKey || event.metaKey || event.altKey) return;
  const next = { ArrowRight: hit.nextElementSibling, ArrowLeft: hit.previousElementSibling }[event.key];
  const key = event.key.toLowerCase();
  if (next) { event.preventDefault(); next.focus(); }
  else if (key === "r" || key === "w") mark(hit.dataset.id, key === "r" ? "right" : "wrong");
  else if (key === "o") at("looked").click();
});

// ---- where it looked

async function lay(frame, fields) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
  const shown = await ask("/v1/explain", { method: "POST", body: form });
  for (const map of shown.maps) {
    frame.append(element("img", { class: "map", src: map.overlay, alt: `Where it looked: ${map.name}`, "data-map": map.name, hidden: map.name !== at("maps").value }));
  }
  return shown;
}

function hideMaps() {
  at("looked").setAttribute("aria-pressed", "false");
  at("maps-label").hidden = true;
  document.querySelectorAll(".map").forEach((map) => map.remove());
}

at("maps").addEventListener("change", () => {
  for (const map of document.querySelectorAll(".map")) map.hidden = map.dataset.map !== at("maps").value;
});

at("looked").addEventListener("click", async () => {
  const on = at("looked").getAttribute("aria-pressed") !== "true";
  hideMaps();
  if (!on) { say("Maps are hidden."); return; }
  at("looked").setAttribute("aria-pressed", "true");
  const { search } = state;
  const still = () => state.search === search && at("looked").getAttribute("aria-pressed") === "true";
  try {
    const first = await lay(at("query").querySelector(".frame"), { picture: search.picture, box: search.box });
    if (!still()) return;
    if (!first.maps.length) { hideMaps(); say(first.message); return; }
    at("maps").replaceChildren(...first.maps.map(({ name }) => element("option", {}, name)));
    at("maps-label").hidden = first.maps.length < 2;
    at("maps").dispatchEvent(new Event("change"));
    for (const item of at("hits").children) {
      if (!still()) return;
      if (item.querySelector("img")) await lay(item.querySelector(".frame"), { id: item.dataset.id });
    }
    say(first.message);
  } catch (error) {
    say(error.message, true);
  }
});

at("export").addEventListener("click", () => {
  download(reportHtml(state.search, state.about), `occreid-search-${state.search.found.search_id}.html`);
  say("The report is in your downloads.");
});

if (sessionStorage.getItem(KEY)) signIn().catch((error) => say(error.message, true));
else at("key-dialog").showModal();
