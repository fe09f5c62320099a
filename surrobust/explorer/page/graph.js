// The cell as a graph whose edges can be clicked.

const NODES = [30, 130, 230, 330];
const LEVEL = 104;
const BENDS = { 1: -76, 3: -160, 4: 80 };
const SVG = "http://www.w3.org/2000/svg";
const graph = document.getElementById("graph");

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function drawEdge(edge, op) {
  const [from, to] = EDGES[edge].map((node) => NODES[node]);
  const bend = BENDS[edge] ?? 0;
  const lift = Math.sign(bend) * 10;
  const inset = bend ? 8 : 13;
  const middle = { x: (from + to) / 2, y: LEVEL + (lift + bend) / 2 };
  const d = `M${from + inset} ${LEVEL + lift}Q${middle.x} ${LEVEL + bend} ${to - inset} ${LEVEL + lift}`;
  const group = svgElement("g", { class: "edge", tabindex: 0, role: "button", "data-edge": edge,
    "aria-label": `edge ${EDGES[edge].join(" to ")}: ${OPS[op]}` });
  const seen = { class: "seen", d, fill: "none", stroke: COLOURS[op], "stroke-width": 3 };
  if (op === 0) seen["stroke-dasharray"] = "2 5";
  group.append(
    svgElement("path", { d, fill: "none", stroke: "transparent", "stroke-width": 22 }),
    svgElement("path", seen),
    svgElement("text", { x: middle.x, y: middle.y - 6, "text-anchor": "middle", fill: COLOURS[op] },
      LABELS[op]),
  );
  return group;
}

function drawGraph() {
  const focused = document.activeElement?.closest?.("#graph .edge")?.dataset.edge;
  const code = codeOf(state.cell);
  const nodes = NODES.flatMap((x, node) => [
    svgElement("circle", { cx: x, cy: LEVEL, r: 12, fill: "#fff", stroke: "#111" }),
    svgElement("text", { x, y: LEVEL + 4, "text-anchor": "middle" },
      ["in", "1", "2", "out"][node]),
  ]);
  graph.replaceChildren(...EDGES.map((_, edge) => drawEdge(edge, Number(code[edge]))), ...nodes);
  if (focused !== undefined) graph.querySelector(`[data-edge="${focused}"]`).focus();
}

function changeEdge(edge, op) {
  go({ cell: withOp(state.cell, edge, op) });
}

graph.addEventListener("click", (event) => {
  const edge = event.target.closest(".edge")?.dataset.edge;
  if (edge === undefined) return;
  const step = event.shiftKey ? OPS.length - 1 : 1;
  changeEdge(Number(edge), (Number(codeOf(state.cell)[edge]) + step) % OPS.length);
});

graph.addEventListener("keydown", (event) => {
  const group = event.target.closest(".edge");
  if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
  const edge = Number(group.dataset.edge);
  const moves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  if (event.key === "Enter" || event.key === " ") {
    changeEdge(edge, (Number(codeOf(state.cell)[edge]) + 1) % OPS.length);
  } else if (/^[0-4]$/.test(event.key)) {
    changeEdge(edge, Number(event.key));
  } else if (event.key in moves) {
    const next = (edge + moves[event.key] + EDGES.length) % EDGES.length;
    graph.querySelector(`[data-edge="${next}"]`).focus();
  } else {
    return;
  }
  event.preventDefault();
});

// The same as lists to choose from.
const selects = EDGES.map(([from, to], edge) => {
  const select = document.createElement("select");
  LABELS.forEach((label, op) => select.add(new Option(label, op)));
  select.addEventListener("change", () => changeEdge(edge, Number(select.value)));
  const label = document.createElement("label");
  label.append(`${from}→${to}`, select);
  document.getElementById("edges").append(label);
  return select;
});

function drawSelects() {
  [...codeOf(state.cell)].forEach((op, edge) => { selects[edge].value = op; });
}
