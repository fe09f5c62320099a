// All cells by two quantities, with the current one, the Pareto front and a search's trajectory.

const canvas = document.getElementById("scatter");
const pen = canvas.getContext("2d");
const pointed = document.getElementById("pointed");
const MARGIN = { left: 62, right: 12, top: 12, bottom: 44 };
let cloud = null;

function rangeOf(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const air = (high - low) * 0.03 || Math.abs(high) * 0.1 || 1;
  return [low - air, high + air];
}

// The cells that no other beats in both quantities, by ascending first one.
function frontOf(points, x, y) {
  const right = x.higher ? -1 : 1;
  const up = y.higher ? -1 : 1;
  const best = new Map();
  for (const point of points) {
    const known = best.get(point.x);
    if (!known || up * point.y < up * known.y) best.set(point.x, point);
  }
  const sorted = [...best.values()].sort((a, b) => right * (a.x - b.x));
  const front = [];
  for (const point of sorted) {
    if (!front.length || up * point.y < up * front[front.length - 1].y) front.push(point);
  }
  return front;
}

function makeCloud() {
  const x = QUANTITIES.get(state.x);
  const y = QUANTITIES.get(state.y);
  const points = cellsFor(x, y)
    .map((index) => ({ index, x: x.of(index), y: y.of(index) }))
    .filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  return { name: `${state.x} ${state.y}`, x, y, points, front: frontOf(points, x, y),
    xRange: rangeOf(points.map((p) => p.x)), yRange: rangeOf(points.map((p) => p.y)), drawn: null };
}

function placeOf(point) {
  const { width, height } = cloud.size;
  const [left, right] = cloud.xRange;
  const [low, high] = cloud.yRange;
  return [
    MARGIN.left + ((point.x - left) / (right - left)) * (width - MARGIN.left - MARGIN.right),
    height - MARGIN.bottom
      - ((point.y - low) / (high - low)) * (height - MARGIN.top - MARGIN.bottom),
  ];
}

function ticks([low, high]) {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high; k += 1) found.push(k * step);
  return found;
}

function tickText(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(4)));
}

// What does not depend on the current cell: kept as a picture until axes or size change.
function drawBackground() {
  const { width, height } = cloud.size;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.textAlign = "center";
  for (const x of ticks(cloud.xRange)) {
    pen.fillStyle = "#333";
    pen.fillText(tickText(x), placeOf({ x, y: cloud.yRange[0] })[0], height - MARGIN.bottom + 15);
  }
  pen.textAlign = "right";
  for (const y of ticks(cloud.yRange)) {
    const level = placeOf({ x: cloud.xRange[0], y })[1];
    pen.fillStyle = "#eee";
    pen.fillRect(MARGIN.left, level, width - MARGIN.left - MARGIN.right, 1);
    pen.fillStyle = "#333";
    pen.fillText(tickText(y), MARGIN.left - 5, level + 4);
  }
  pen.textAlign = "center";
  pen.fillText(state.x, (width + MARGIN.left) / 2, height - 10);
  pen.save();
  pen.translate(11, height / 2 - 10);
  pen.rotate(-Math.PI / 2);
  pen.fillText(state.y, 0, 0);
  pen.restore();
  pen.fillStyle = "rgba(70, 80, 100, 0.28)";
  const times = new Uint8Array((width + 1) * (height + 1)); // more than 8 dots look like 8
  for (const point of cloud.points) {
    const [x, y] = placeOf(point);
    const pixel = Math.round(y) * (width + 1) + Math.round(x);
    if (times[pixel] < 8) {
      times[pixel] += 1;
      pen.fillRect(x - 1, y - 1, 2.4, 2.4);
    }
  }
  drawLine(cloud.front, "#15803d", 3);
  drawLine(trajectory(), "#c2410c", 2.5);
}

function trajectory() {
  if (!DATA.search) return [];
  const points = DATA.search.map((index) => ({ index, x: cloud.x.of(index), y: cloud.y.of(index) }));
  return points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
}

function drawLine(points, colour, radius) {
  pen.strokeStyle = colour;
  pen.fillStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  points.forEach((point) => pen.lineTo(...placeOf(point)));
  pen.stroke();
  for (const point of points) {
    pen.beginPath();
    pen.arc(...placeOf(point), radius, 0, 2 * Math.PI);
    pen.fill();
  }
}

function drawScatter() {
  const scale = window.devicePixelRatio || 1;
  const size = { width: canvas.clientWidth, height: canvas.clientHeight, scale };
  const sized = cloud && JSON.stringify(cloud.size) === JSON.stringify(size);
  if (!cloud || cloud.name !== `${state.x} ${state.y}`) cloud = makeCloud();
  if (!sized || !cloud.drawn) {
    cloud.size = size;
    canvas.width = size.width * scale;
    canvas.height = size.height * scale;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    drawBackground();
    cloud.drawn = document.createElement("canvas");
    cloud.drawn.width = canvas.width;
    cloud.drawn.height = canvas.height;
    cloud.drawn.getContext("2d").drawImage(canvas, 0, 0);
  } else {
    pen.drawImage(cloud.drawn, 0, 0, size.width, size.height);
  }
  const here = { index: state.cell, x: cloud.x.of(state.cell), y: cloud.y.of(state.cell) };
  tellPoint(here);
  if (!Number.isFinite(here.x) || !Number.isFinite(here.y)) return;
  pen.lineWidth = 2.5;
  pen.strokeStyle = "#dc2626";
  pen.beginPath();
  pen.arc(...placeOf(here), 7, 0, 2 * Math.PI);
  pen.stroke();
}

function tellPoint(point) {
  const parts = [`${codeOf(point.index)}: ${show(point.x)} across, ${show(point.y)} up.`];
  parts.push(`Green: Pareto front (${cloud.front.length} cells); red ring: this cell`);
  if (DATA.search) parts.push("; orange: the search, in its order");
  pointed.textContent = `${parts.join(" ").replace(" ;", ";")}.`;
}

function nearest(event) {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let best = null;
  let least = 30 ** 2;
  for (const point of cloud.points) {
    const [px, py] = placeOf(point);
    const distance = (px - x) ** 2 + (py - y) ** 2;
    if (distance < least) [best, least] = [point, distance];
  }
  return best;
}

canvas.addEventListener("click", (event) => {
  const point = nearest(event);
  if (point) go({ cell: point.index });
});
canvas.addEventListener("mousemove", (event) => {
  const point = nearest(event);
  if (point) tellPoint(point);
});
canvas.addEventListener("keydown", (event) => {
  const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
  if (!move || !cloud.points.length) return;
  event.preventDefault();
  const same = (p) => p.index === state.cell || (!cloud.x.perCell && !cloud.y.perCell
    && ROWS[p.index] === ROWS[state.cell]);
  cloud.steps ??= [...cloud.points].sort((a, b) => a.x - b.x || a.y - b.y);
  const place = cloud.steps.findIndex(same);
  const next = Math.min(Math.max(place + move, 0), cloud.steps.length - 1);
  go({ cell: cloud.steps[next].index });
});

const axes = { x: document.getElementById("x"), y: document.getElementById("y") };
for (const [name, select] of Object.entries(axes)) {
  const made = new Map();
  for (const quantity of QUANTITIES.values()) {
    if (!made.has(quantity.group)) {
      const group = document.createElement("optgroup");
      group.label = quantity.group;
      made.set(quantity.group, group);
      select.append(group);
    }
    made.get(quantity.group).append(new Option(`${quantity.group}: ${quantity.label}`, quantity.name));
  }
  select.addEventListener("change", () => go({ [name]: select.value }));
}
