// Facts, values, neighbours and scores as text.

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  Object.assign(made, attributes);
  return made;
}

function fillTable(place, header, rows) {
  const head = element("thead");
  head.append(element("tr"));
  head.firstChild.append(...header.map((name) => element("th", name, { scope: "col" })));
  const body = element("tbody");
  body.append(...rows);
  const table = element("table");
  table.append(head, body);
  place.replaceChildren(table);
}

function row(cells, className = "") {
  const made = element("tr", undefined, { className });
  for (const cell of cells) {
    const td = element("td");
    td.append(cell);
    made.append(td);
  }
  return made;
}

function drawFacts() {
  const index = state.cell;
  const representative = REPRESENTATIVES[ROWS[index]];
  const facts = {
    index,
    code: codeOf(index),
    genotype: genotypeOf(index),
    representative: `${representative} (${codeOf(representative)}), of ${MEMBERS[ROWS[index]]} isomorphic`,
    parameters: QUANTITIES.get("params").of(index).toLocaleString("en"),
    FLOPs: QUANTITIES.get("flops").of(index).toLocaleString("en"),
  };
  document.getElementById("cell-title").textContent = `Cell ${index}`;
  document.getElementById("facts").replaceChildren(...Object.entries(facts).flatMap(
    ([name, value]) => [element("dt", name), element("dd", value)]));
}

// Values by benchmark and images; the group of the chosen target is open at first.
const groups = new Map();
for (const target of TARGETS.values()) {
  const name = target.key.split("/").slice(0, 2).join("/");
  if (!groups.has(name)) groups.set(name, []);
  groups.get(name).push(target);
}
const bodies = new Map();
for (const [name, own] of groups) {
  const details = element("details", undefined, { open: own.some((t) => t.key === DATA.target) });
  const place = element("div");
  details.append(element("summary", name), place);
  details.addEventListener("toggle", drawValues);
  document.getElementById("values").append(details);
  bodies.set(name, { details, place });
}

function choose(key) {
  const button = element("button", key.split("/")[2], { type: "button", title: `choose ${key}` });
  button.addEventListener("click", () => go({ target: key }));
  return button;
}

function drawValues() {
  for (const [name, { details, place }] of bodies) {
    if (!details.open) continue;
    const rows = groups.get(name).map((target) => {
      const predicted = target.predicted(state.cell);
      const interval = target.has_lower
        ? `${show(target.lower(state.cell))} to ${show(target.upper(state.cell))}` : "–";
      const cells = [choose(target.key), show(predicted), interval];
      if (DATA.measured) cells.push(show(target.measured(state.cell)));
      return row(cells, target.key === state.target ? "chosen" : "");
    });
    const header = ["target", "predicted", `${DATA.coverage * 100} % interval`];
    if (DATA.measured) header.push("measured");
    fillTable(place, header, rows);
  }
}

function showChange(change, target) {
  if (!Number.isFinite(change)) return "–";
  return `${change > 0 ? "+" : ""}${target.perCell ? show(change) : change.toFixed(4)}`;
}

const sort = document.getElementById("sort");
sort.addEventListener("change", () => drawNeighbours());

function drawNeighbours() {
  const target = TARGETS.get(state.target);
  const here = { predicted: target.predicted(state.cell), measured: target.measured(state.cell) };
  const found = neighboursOf(state.cell).map((one) => ({
    ...one,
    predicted: target.predicted(one.index) - here.predicted,
    measured: target.measured(one.index) - here.measured,
    same: ROWS[one.index] === ROWS[state.cell],
  }));
  const sign = target.higher ? 1 : -1;
  if (sort.value === "gain") found.sort((a, b) => sign * (b.predicted - a.predicted));
  const rows = found.map((one) => {
    const old = LABELS[codeOf(state.cell)[one.edge]];
    const told = `${EDGES[one.edge].join("→")}: ${old} → ${LABELS[one.op]}`;
    const button = element("button", told, { type: "button", title: `go to ${codeOf(one.index)}` });
    button.addEventListener("click", () => go({ cell: one.index }));
    const changes = DATA.measured ? ["predicted", "measured"] : ["predicted"];
    return row([button, ...changes.map((kind) => {
      const change = one[kind];
      const text = one.same && !target.perCell ? "the same" : showChange(change, target);
      const better = sign * change > 0 ? "up" : "down";
      return element("span", text, { className: change ? better : "" });
    })]);
  });
  const header = ["change of operation", "predicted"];
  if (DATA.measured) header.push("measured");
  fillTable(document.getElementById("neighbours"), header, rows);
}

function drawProxies() {
  const place = document.getElementById("proxies");
  if (!PROXY_ROW.has(ROWS[state.cell])) {
    place.textContent = `Not scored: ${PROXY_ROW.size} cells were. surrobust proxies ${codeOf(state.cell)} does it.`;
    return;
  }
  fillTable(place, ["score", "value"], PROXIES.map(
    (proxy) => row([proxy.label, show(proxy.of(state.cell))])));
}
