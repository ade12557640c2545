"use strict";
// Gallery of a cohort: everything is in this page, nothing is fetched but pictures beside it. Only cards in sight are in the document.
const content = JSON.parse(document.getElementById("content").textContent);
const at = (id) => document.getElementById(id);
const cards = content.cards, byId = new Map(cards.map((card) => [card.id, card]));
const WIDTH = 312, HEIGHT = 248, AROUND = 2;
const COLOURS = { failed: "#d55e00", stop: "#d55e00", warn: "#e69f00", info: "#56b4e9", "": "#8b929e" };
const state = { shown: [], selected: 0, columns: 1, ready: false, unsaved: false };
const drawn = new Map();
const STORE = "aideal-marks:" + location.pathname;

function element(kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

function pdff(card) {
  if (card.status === "failed") return "no result";
  const interval = card.low === null ? "" : ` (${number(card.low, 1)} to ${number(card.high, 1)})`;
  return `PDFF ${number(card.values.pdff, 1)} %${interval}, ${card.region}`;
}

function cardElement(card, index) {
  const made = element("div", "card " + card.severity);
  made.id = "card-" + index;
  made.setAttribute("role", "option");
  const head = element("div", "head");
  head.append(element("span", "", card.id), element("span", card.mark ? "mark " + card.mark : "", card.mark));
  const picture = element("div", "picture");
  if (card.picture) {
    const image = element("img");
    image.alt = "Magnitude and PDFF of " + card.id;
    image.src = card.picture;
    picture.append(image);
  } else picture.textContent = card.status === "failed" ? "failed: " + card.codes[0] : "no picture";
  made.append(head, picture, element("div", "number", pdff(card)), element("div", "worst", card.worst || "nothing found"));
  made.addEventListener("click", () => { at("grid").focus({ preventScroll: true }); select(index); });
  return made;
}

function draw() {
  const grid = at("grid");
  state.columns = Math.max(1, Math.floor((grid.clientWidth - 12) / WIDTH));
  const rows = Math.ceil(state.shown.length / state.columns);
  at("space").style.height = rows * HEIGHT + 12 + "px";
  const first = Math.max(0, Math.floor(grid.scrollTop / HEIGHT) - AROUND) * state.columns;
  const last = Math.min(state.shown.length, (Math.ceil((grid.scrollTop + grid.clientHeight) / HEIGHT) + AROUND) * state.columns);
  for (const [index, made] of drawn) if (index < first || index >= last) { made.remove(); drawn.delete(index); }
  for (let index = first; index < last; index++) {
    let made = drawn.get(index);
    if (!made) { made = cardElement(state.shown[index], index); drawn.set(index, made); at("space").append(made); }
    made.style.left = 10 + (index % state.columns) * WIDTH + "px";
    made.style.top = 10 + Math.floor(index / state.columns) * HEIGHT + "px";
    const chosen = index === state.selected;
    made.classList.toggle("selected", chosen);
    made.setAttribute("aria-selected", chosen ? "true" : "false");
    if (chosen) grid.setAttribute("aria-activedescendant", made.id);
  }
}

function redraw() {
  for (const made of drawn.values()) made.remove();
  drawn.clear();
  draw();
}

function select(index, scroll) {
  if (!state.shown.length) { describe(); return; }
  state.selected = Math.max(0, Math.min(state.shown.length - 1, index));
  if (scroll) {
    const grid = at("grid"), top = 10 + Math.floor(state.selected / state.columns) * HEIGHT;
    if (top < grid.scrollTop) grid.scrollTop = top - 10;
    else if (top + HEIGHT > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + HEIGHT - grid.clientHeight;
  }
  draw();
  describe();
}

function describe() {
  const card = state.shown[state.selected], detail = at("detail");
  detail.textContent = "";
  at("note").value = card ? card.note : "";
  at("note").disabled = !card;
  if (!card) return;
  const facts = Object.entries(card.facts).map(([name, value]) => `${name} ${value}`);
  const values = content.quantities.map((q) => `${q.title} ${number(card.values[q.name], q.name === "swap" ? 3 : 1)}${q.unit === "1" ? "" : " " + q.unit}`);
  const words = [card.participant, card.session, ...facts, card.protocol, card.method].filter(Boolean).join(", ");
  detail.append(element("strong", "", card.id), ` ${words}. `, card.status === "failed" ? "" : values.join(", ") + ". ", card.worst + " ");
  if (card.report) {
    const link = element("a", "", "Report");
    link.href = card.report; link.target = "_blank"; link.rel = "noopener";
    detail.append(link);
  }
}

function texts(card) {
  card.text ??= [card.id, card.participant, card.session, ...Object.values(card.facts), ...card.codes, card.worst].join(" ").toLowerCase();
  return card.text;
}

function filter() {
  const chosen = state.shown[state.selected], words = at("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [kind, code, protocol, mark] = ["state", "code", "protocol", "mark"].map((name) => at(name).value);
  state.shown = cards.filter((card) =>
    words.every((word) => texts(card).includes(word)) && (!kind || stateOf(card) === kind) && (!protocol || card.protocol === protocol) &&
    (!code || card.codes.includes(code) || (code === "outlier" && card.outliers.length > 0)) && (!mark || (card.mark || "none") === mark));
  if (at("sort").value === "id") state.shown.sort((a, b) => a.id.localeCompare(b.id, undefined, { numeric: true }));
  at("grid").scrollTop = 0;
  redraw();
  select(Math.max(0, state.shown.indexOf(chosen)), true);
  count();
  plot();
}

function count() {
  const marked = cards.filter((card) => card.mark).length;
  at("count").textContent = `${state.shown.length} of ${cards.length} shown, ${marked} marked${state.unsaved ? " (not saved)" : ""}`;
}

const stateOf = (card) => (card.severity === "" ? "clean" : card.severity);

function options(select, values) {
  for (const [value, count] of [...values].sort((a, b) => b[1] - a[1])) {
    const made = element("option", "", `${value} (${count})`);
    made.value = value;
    at(select).append(made);
  }
}

function tally(lists) {
  const found = new Map();
  for (const list of lists) for (const value of list) if (value) found.set(value, (found.get(value) || 0) + 1);
  return found;
}

// Marks

function mark(verdict) {
  const card = state.shown[state.selected];
  if (!card) return;
  card.mark = verdict;
  changed();
  const made = drawn.get(state.selected);
  if (made) { made.remove(); drawn.delete(state.selected); }
  if (verdict && state.selected < state.shown.length - 1) select(state.selected + 1, true);
  else draw();
}

function changed() {
  state.unsaved = true;
  try { localStorage.setItem(STORE, marksText()); } catch (_) { /* without storage, marks live as long as the page */ }
  count();
}

const quoted = (text) => (/[",\n\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text);

function marksText() {
  const marked = cards.filter((card) => card.mark || card.note).sort((a, b) => a.id.localeCompare(b.id));
  return ["scan,mark,note", ...marked.map((card) => [card.id, card.mark, card.note].map(quoted).join(","))].join("\n") + "\n";
}

function save() {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob([marksText()], { type: "text/csv" }));
  link.download = "marks.csv";
  link.click();
  URL.revokeObjectURL(link.href);
  state.unsaved = false;
  count();
}

function cells(text) { // lines of CSV, with quoted cells
  const lines = [[""]];
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i], line = lines.at(-1);
    if (inside && c === '"' && text[i + 1] === '"') { line[line.length - 1] += '"'; i++; }
    else if (c === '"') inside = !inside;
    else if (!inside && c === ",") line.push("");
    else if (!inside && (c === "\n" || c === "\r")) { if (line.length > 1 || line[0]) lines.push([""]); }
    else line[line.length - 1] += c;
  }
  return lines.filter((line) => line.length > 1 || line[0]);
}

function readMarks(text) {
  const [head, ...lines] = cells(text.replace(/^\uFEFF/, ""));
  const place = ["scan", "mark", "note"].map((name) => head ? head.indexOf(name) : -1);
  if (place.includes(-1)) return -1;
  let known = 0;
  for (const line of lines) {
    const card = byId.get(line[place[0]]), verdict = line[place[1]] || "";
    if (!card || !["", "accept", "reject", "redo"].includes(verdict)) continue;
    card.mark = verdict; card.note = line[place[2]] || "";
    known++;
  }
  redraw(); describe(); count();
  return known;
}

async function readFile() {
  const [file] = at("read").files;
  if (!file) return;
  const known = readMarks(await file.text());
  at("count").textContent += known < 0 ? "; the file holds no marks" : `; ${known} marks read`;
  at("read").value = "";
}

// Distributions

function positions(against) { // place of each card along the axis, and the labels of the axis
  if (against === "date") {
    const times = cards.map((card) => Date.parse(card.facts.date || ""));
    const known = times.filter(Number.isFinite), low = Math.min(...known), high = Math.max(...known);
    return { x: times.map((t) => (Number.isFinite(t) ? (high > low ? (t - low) / (high - low) : 0.5) : null)),
      labels: known.length ? [[0, new Date(low).toISOString().slice(0, 10)], [1, new Date(high).toISOString().slice(0, 10)]] : [] };
  }
  const value = (card) => (against === "protocol" ? card.protocol : card.facts[against]) || "";
  const groups = [...tally(cards.map((card) => [value(card)])).keys()].sort();
  const width = 1 / Math.max(1, groups.length), spread = (i) => ((i * 0.618034) % 1) - 0.5;
  return { x: cards.map((card, i) => (groups.includes(value(card)) ? (groups.indexOf(value(card)) + 0.5 + 0.7 * spread(i)) * width : null)),
    labels: groups.map((group, i) => [(i + 0.5) * width, group]) };
}

function plot() {
  if (!at("plots-shown").checked) return;
  const { x, labels } = positions(at("against").value), inView = new Set(state.shown), chosen = state.shown[state.selected];
  for (const q of content.quantities) {
    const canvas = at("plot-" + q.name), scale = window.devicePixelRatio || 1, context = canvas.getContext("2d");
    const w = canvas.clientWidth, h = canvas.clientHeight, left = 42, bottom = 20, top = 20;
    canvas.width = w * scale; canvas.height = h * scale; context.scale(scale, scale);
    const known = cards.map((card) => card.values[q.name]).filter((v) => v !== null && v !== undefined);
    const low = Math.min(0, ...known), high = Math.max(...known, low + 1e-9) * 1.04;
    const place = (i) => [left + x[i] * (w - left - 10), h - bottom - ((cards[i].values[q.name] - low) / (high - low)) * (h - bottom - top)];
    context.font = "11px system-ui, sans-serif"; context.fillStyle = "#d8dade";
    context.fillText(`${q.title}${q.unit === "1" ? "" : " (" + q.unit + ")"}`, 6, 13);
    context.strokeStyle = "#33373f"; context.beginPath();
    for (const share of [0, 0.5, 1]) {
      const y = h - bottom - share * (h - bottom - top), value = low + share * (high - low);
      context.moveTo(left, y); context.lineTo(w - 8, y);
      context.fillText(value.toPrecision(3).replace(/\.?0+$/, "") || "0", 4, y + 4);
    }
    context.stroke();
    const room = (w - left) / Math.max(1, labels.length);
    labels.forEach(([where, text], n) => {
      const most = Math.max(3, Math.floor((at("against").value === "date" ? w / 2 : room) / 6.2)), shown = text.length > most ? text.slice(0, most - 1) + "…" : text;
      context.textAlign = at("against").value === "date" ? (n ? "right" : "left") : "center";
      context.fillText(shown, left + where * (w - left - 10), h - 6);
    });
    context.textAlign = "left";
    const points = [];
    cards.forEach((card, i) => {
      const v = card.values[q.name];
      if (x[i] === null || v === null || v === undefined) return;
      const [px, py] = place(i);
      points.push([px, py, i]);
      context.globalAlpha = inView.has(card) ? 0.85 : 0.12;
      context.fillStyle = COLOURS[card.severity];
      context.beginPath(); context.arc(px, py, card === chosen ? 5 : 2, 0, 7); context.fill();
      if (card.outliers.includes(q.name)) { context.strokeStyle = "#f2f2f2"; context.beginPath(); context.arc(px, py, 5, 0, 7); context.stroke(); }
    });
    context.globalAlpha = 1;
    canvas.points = points;
  }
}

function pick(canvas, event) {
  const box = canvas.getBoundingClientRect(), near = ([px, py]) => Math.hypot(px - (event.clientX - box.left), py - (event.clientY - box.top));
  const best = (canvas.points || []).filter((p) => state.shown.includes(cards[p[2]])).sort((a, b) => near(a) - near(b))[0];
  if (best && near(best) < 12) { select(state.shown.indexOf(cards[best[2]]), true); plot(); }
}

// Keys and start

const MARK_KEYS = { a: "accept", r: "reject", d: "redo", u: "" };
const STEPS = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: () => state.columns, ArrowUp: () => -state.columns,
  PageDown: () => 3 * state.columns, PageUp: () => -3 * state.columns, Home: () => -cards.length, End: () => cards.length };

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = ["INPUT", "SELECT", "BUTTON"].includes(event.target.tagName);
  if (typing) {
    if (event.key === "Escape" || (event.key === "Enter" && event.target.id === "note")) at("grid").focus();
    return;
  }
  if (event.key in STEPS) select(state.selected + STEPS[event.key](), true);
  else if (event.key in MARK_KEYS) mark(MARK_KEYS[event.key]);
  else if (event.key === "n") at("note").focus();
  else if (event.key === "/") at("find").focus();
  else if (event.key === "Enter") { const card = state.shown[state.selected]; if (card && card.report) window.open(card.report, "_blank", "noopener"); }
  else return;
  event.preventDefault();
}

function begin() {
  options("state", tally(cards.map((card) => [stateOf(card)])));
  options("code", tally(cards.map((card) => [...card.codes, card.outliers.length ? "outlier" : ""])));
  options("protocol", tally(cards.map((card) => [card.protocol])));
  const facts = [...tally(cards.map((card) => Object.keys(card.facts))).keys()].filter((name) => name !== "date");
  for (const name of ["protocol", ...(cards.some((card) => card.facts.date) ? ["date"] : []), ...facts]) at("against").append(element("option", "", name));
  for (const q of content.quantities) {
    const figure = element("figure"), canvas = element("canvas");
    canvas.id = "plot-" + q.name;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${q.title} of every scan`);
    canvas.addEventListener("click", (event) => pick(canvas, event));
    figure.append(canvas);
    at("panels").append(figure);
  }
  for (const name of ["state", "code", "protocol", "mark", "sort"]) at(name).addEventListener("change", filter);
  at("find").addEventListener("input", filter);
  at("against").addEventListener("change", plot);
  at("plots-shown").addEventListener("change", () => { at("plots").hidden = !at("plots-shown").checked; plot(); draw(); });
  at("save").addEventListener("click", save);
  at("read").addEventListener("change", readFile);
  at("note").addEventListener("input", () => { const card = state.shown[state.selected]; if (card) { card.note = at("note").value; changed(); } });
  let waiting = false;
  at("grid").addEventListener("scroll", () => { if (!waiting) { waiting = true; requestAnimationFrame(() => { waiting = false; draw(); }); } });
  window.addEventListener("resize", () => { draw(); plot(); });
  window.addEventListener("beforeunload", (event) => { if (state.unsaved) event.preventDefault(); });
  document.addEventListener("keydown", key);
  let kept = null;
  try { kept = localStorage.getItem(STORE); } catch (_) { /* no storage */ }
  if (kept) { readMarks(kept); state.unsaved = true; }
  filter();
  at("grid").focus();
  state.ready = true;
}

window.gallery = { state, cards, marksText, readMarks, select };
begin();
