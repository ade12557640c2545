"use strict";
// Viewer of a run: everything is in this page, nothing is fetched.
const meta = JSON.parse(document.getElementById("meta").textContent);
const at = (id) => document.getElementById(id);
const [nSlices, nRows, nColumns] = meta.shape;
const plane = nRows * nColumns;
const arrays = {};
const state = { slice: meta.slice, row: nRows >> 1, column: nColumns >> 1, map: "pdff", window: {}, pinned: null, ready: false };
const KINDS = { int16: Int16Array, uint8: Uint8Array };

async function unpack(name) {
  const info = meta.arrays[name];
  const raw = Uint8Array.from(atob(at("data-" + name).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate"));
  let bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  if (info.kind === "int16") { // low bytes first, then high bytes: that compresses better
    const half = bytes.length / 2, joined = new Uint8Array(bytes.length);
    for (let i = 0; i < half; i++) { joined[2 * i] = bytes[i]; joined[2 * i + 1] = bytes[half + i]; }
    bytes = joined;
  }
  arrays[name] = new KINDS[info.kind](bytes.buffer);
}

function valueAt(name, slice, row, column) {
  const stored = arrays[name][slice * plane + row * nColumns + column];
  return stored * meta.arrays[name].scale;
}

const inside = (s, r, c) => arrays.mask[s * plane + r * nColumns + c] > 0;

const inRegion = (n, s, r, c) => ((arrays["regions" + (n >> 3)][s * plane + r * nColumns + c] >> (n & 7)) & 1) > 0;

function colour(table, t) {
  const i = Math.max(0, Math.min(255, Math.round(255 * t))) * 3;
  return [table.charCodeAt(i), table.charCodeAt(i + 1), table.charCodeAt(i + 2)];
}
const tables = {};
for (const [name, text] of Object.entries(meta.colours)) tables[name] = atob(text);

function flagged(i) {
  const kind = at("overlay").value, limit = threshold();
  const sd = arrays.sd[i] * meta.arrays.sd.scale, swap = arrays.swap[i] * meta.arrays.swap.scale;
  if (kind === "low") return swap > meta.low.swap || sd > meta.low.sd;
  if (kind === "sd") return sd > limit;
  if (kind === "swap") return swap > limit;
  return false;
}

function threshold() {
  const share = at("threshold").value / 100;
  return at("overlay").value === "swap" ? share : 20 * share;
}

function draw() {
  const canvas = at("image"), info = meta.arrays[state.map], [low, high] = state.window[state.map];
  const zoom = Math.max(1, Math.floor(1100 / nColumns));
  canvas.width = nColumns * zoom; canvas.height = nRows * zoom;
  canvas.style.aspectRatio = (nColumns * meta.spacing[0]) + " / " + (nRows * meta.spacing[1]);
  const context = canvas.getContext("2d"), small = new ImageData(nColumns, nRows), table = tables[info.colours];
  for (let i = 0; i < plane; i++) {
    const k = state.slice * plane + i;
    let rgb = [43, 46, 52];
    if (arrays.mask[k]) rgb = colour(table, (arrays[state.map][k] * info.scale - low) / (high - low));
    small.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * i);
  }
  const still = new OffscreenCanvas(nColumns, nRows);
  still.getContext("2d").putImageData(small, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(still, 0, 0, canvas.width, canvas.height);
  if (at("overlay").value) hatch(context, zoom);
  if (at("outlines").checked) outlines(context, zoom);
  cross(context, zoom);
  captions(info, low, high, table);
}

function hatch(context, zoom) { // a pattern, not a colour, so that it shows on every colour map and to every reader
  context.strokeStyle = "#ffffff"; context.lineWidth = Math.max(1, zoom / 4); context.beginPath();
  for (let r = 0; r < nRows; r++) for (let c = 0; c < nColumns; c++) {
    const k = state.slice * plane + r * nColumns + c;
    if (!arrays.mask[k] || !flagged(k)) continue;
    context.moveTo(c * zoom, (r + 1) * zoom); context.lineTo((c + 1) * zoom, r * zoom);
  }
  context.stroke();
}

function outlines(context, zoom) {
  context.lineWidth = Math.max(1.5, zoom / 3);
  const largestFirst = [...meta.regions.entries()].sort(([, a], [, b]) => b.voxels - a.voxels); // smaller ones show on larger ones
  largestFirst.forEach(([n, region]) => {
    const holds = (r, c) => r >= 0 && c >= 0 && r < nRows && c < nColumns && inRegion(n, state.slice, r, c);
    context.strokeStyle = region.colour; context.beginPath();
    for (let r = 0; r < nRows; r++) for (let c = 0; c < nColumns; c++) {
      if (!holds(r, c)) continue;
      const x = c * zoom, y = r * zoom;
      if (!holds(r - 1, c)) { context.moveTo(x, y); context.lineTo(x + zoom, y); }
      if (!holds(r + 1, c)) { context.moveTo(x, y + zoom); context.lineTo(x + zoom, y + zoom); }
      if (!holds(r, c - 1)) { context.moveTo(x, y); context.lineTo(x, y + zoom); }
      if (!holds(r, c + 1)) { context.moveTo(x + zoom, y); context.lineTo(x + zoom, y + zoom); }
    }
    context.stroke();
  });
}

function cross(context, zoom) {
  const x = (state.column + 0.5) * zoom, y = (state.row + 0.5) * zoom, reach = 6 * zoom;
  context.lineWidth = 2; context.strokeStyle = "#56b4e9"; context.beginPath();
  context.moveTo(x - reach, y); context.lineTo(x - zoom, y); context.moveTo(x + zoom, y); context.lineTo(x + reach, y);
  context.moveTo(x, y - reach); context.lineTo(x, y - zoom); context.moveTo(x, y + zoom); context.lineTo(x, y + reach);
  context.stroke();
}

function captions(info, low, high, table) {
  at("low").textContent = low.toFixed(1); at("high").textContent = high.toFixed(1); at("unit").textContent = info.title + " (" + info.unit + ")";
  const bar = at("bar").getContext("2d"), line = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) line.data.set([...colour(table, i / 255), 255], 4 * i);
  bar.putImageData(line, 0, 0);
  at("slice-out").value = (state.slice + 1) + " of " + nSlices;
  at("slice").value = state.slice; at("map").value = state.map;
  at("from").value = low; at("to").value = high; at("from-out").value = low.toFixed(1); at("to-out").value = high.toFixed(1);
  at("threshold-out").value = at("overlay").value === "swap" ? threshold().toFixed(2) : threshold().toFixed(1) + " %";
  at("values").textContent = describe(state.slice, state.row, state.column);
}

function describe(s, r, c) {
  const place = `slice ${s + 1}, row ${r + meta.offset[0]}, column ${c + meta.offset[1]}: `;
  if (!inside(s, r, c)) return place + "no estimate here";
  const value = (name, digits) => valueAt(name, s, r, c).toFixed(digits);
  const where = meta.regions.filter((_, n) => inRegion(n, s, r, c)).map((region) => `, ${region.name}`).join("");
  return `${place}PDFF ${value("pdff", 2)} ± ${value("sd", 2)} %, P(swap) ${value("swap", 3)}, R2* ${value("r2star", 0)} 1/s${where}`;
}

function pin() {
  state.pinned = [state.slice, state.row, state.column];
  const canvas = at("plot"), context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  at("pinned").textContent = describe(...state.pinned);
  if (!inside(...state.pinned) || !arrays.total) return;
  const points = meta.te_s.map((t, n) => [t, echo(n, ...state.pinned)]), curve = [];
  for (let n = 0; n <= 120; n++) { const t = (1.05 * meta.te_s.at(-1) * n) / 120; curve.push([t, fitted(t, ...state.pinned)]); }
  plot(context, canvas, points.filter((p) => p[1] !== null), curve);
}

function echo(n, s, r, c) { // stored as a share of |water + fat|
  if (!arrays.echo0) return null;
  return valueAt("echo" + n, s, r, c) * Math.abs(valueAt("total", s, r, c));
}

function fitted(t, s, r, c) { // |W + F c(t)| exp(-R2* t), as water and fat have one phase at t = 0
  const total = valueAt("total", s, r, c), fat = (total * valueAt("pdff", s, r, c)) / 100;
  let real = total - fat, imaginary = 0;
  meta.spectrum.hz.forEach((hz, n) => {
    real += fat * meta.spectrum.amplitudes[n] * Math.cos(2 * Math.PI * hz * t);
    imaginary += fat * meta.spectrum.amplitudes[n] * Math.sin(2 * Math.PI * hz * t);
  });
  return Math.hypot(real, imaginary) * Math.exp(-valueAt("r2star", s, r, c) * t);
}

function plot(context, canvas, points, curve) {
  const top = 1.1 * Math.max(...curve.map((p) => p[1]), ...points.map((p) => p[1])), end = curve.at(-1)[0];
  const x = (t) => 60 + (t / end) * (canvas.width - 80), y = (v) => canvas.height - 50 - (v / top) * (canvas.height - 70);
  context.fillStyle = context.strokeStyle = "#222"; context.font = "20px sans-serif"; context.lineWidth = 2;
  context.strokeRect(60, 20, canvas.width - 80, canvas.height - 70);
  context.fillText("Time (ms)", canvas.width / 2 - 40, canvas.height - 5);
  meta.te_s.forEach((t) => context.fillText((1000 * t).toFixed(1), x(t) - 16, canvas.height - 28));
  context.save(); context.translate(22, canvas.height / 2 + 40); context.rotate(-Math.PI / 2); context.fillText("Magnitude", 0, 0); context.restore();
  context.strokeStyle = "#0072b2"; context.lineWidth = 3; context.beginPath();
  curve.forEach((p, n) => (n ? context.lineTo(x(p[0]), y(p[1])) : context.moveTo(x(p[0]), y(p[1])))); context.stroke();
  context.fillStyle = "#d55e00";
  points.forEach((p) => { context.beginPath(); context.arc(x(p[0]), y(p[1]), 7, 0, 7); context.fill(); });
}

function voxelUnder(event) {
  const box = at("image").getBoundingClientRect();
  const column = Math.floor(((event.clientX - box.left) / box.width) * nColumns);
  const row = Math.floor(((event.clientY - box.top) / box.height) * nRows);
  return [Math.max(0, Math.min(nRows - 1, row)), Math.max(0, Math.min(nColumns - 1, column))];
}

function moveSlice(step) { state.slice = Math.max(0, Math.min(nSlices - 1, state.slice + step)); draw(); }

function next(select, step) { select.selectedIndex = (select.selectedIndex + step) % select.options.length; }

function widen(factor) {
  const [low, high] = state.window[state.map];
  state.window[state.map] = [low, low + (high - low) * factor]; draw();
}

function setMap(name) {
  const info = meta.arrays[name], [low, high] = info.window, reach = high - low;
  state.map = name;
  for (const end of ["from", "to"]) { at(end).min = low - reach; at(end).max = high + 2 * reach; at(end).step = reach / 200; }
  draw();
}

const KEYS = {
  ArrowUp: () => { state.row = Math.max(0, state.row - 1); draw(); },
  ArrowDown: () => { state.row = Math.min(nRows - 1, state.row + 1); draw(); },
  ArrowLeft: () => { state.column = Math.max(0, state.column - 1); draw(); },
  ArrowRight: () => { state.column = Math.min(nColumns - 1, state.column + 1); draw(); },
  PageUp: () => moveSlice(1), PageDown: () => moveSlice(-1), Enter: () => pin(),
  m: () => { next(at("map"), 1); setMap(at("map").value); },
  o: () => { next(at("overlay"), 1); draw(); },
  "+": () => widen(0.8), "-": () => widen(1.25),
};

function listen() {
  const image = at("image");
  image.addEventListener("mousemove", (event) => {
    const [row, column] = voxelUnder(event);
    at("values").textContent = describe(state.slice, row, column);
  });
  image.addEventListener("click", (event) => { [state.row, state.column] = voxelUnder(event); draw(); pin(); });
  image.addEventListener("wheel", (event) => { event.preventDefault(); moveSlice(event.deltaY < 0 ? 1 : -1); }, { passive: false });
  image.addEventListener("keydown", (event) => { if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); } });
  at("slice").addEventListener("input", (event) => { state.slice = +event.target.value; draw(); });
  at("map").addEventListener("input", (event) => setMap(event.target.value));
  at("from").addEventListener("input", (event) => { state.window[state.map][0] = Math.min(+event.target.value, state.window[state.map][1] - 1e-3); draw(); });
  at("to").addEventListener("input", (event) => { state.window[state.map][1] = Math.max(+event.target.value, state.window[state.map][0] + 1e-3); draw(); });
  for (const id of ["overlay", "threshold", "outlines"]) at(id).addEventListener("input", draw);
}

async function start() {
  await Promise.all(Object.keys(meta.arrays).map(unpack));
  for (const [name, info] of Object.entries(meta.arrays)) if (info.window) state.window[name] = [...info.window];
  for (const region of meta.regions) {
    const mark = document.createElement("span");
    mark.textContent = "■ "; mark.style.color = region.colour;
    at("regions").append(mark, region.name + "  ");
  }
  listen();
  setMap("pdff");
  state.ready = true;
  at("image").focus();
}
window.viewer = { state, valueAt, describe };
start().catch((error) => { at("values").textContent = "This browser cannot show the page: " + error; throw error; });
