// From the address to the page and back.

const notice = document.getElementById("notice");
const chosen = document.getElementById("target");

for (const target of TARGETS.values()) chosen.add(new Option(target.key, target.key));
chosen.addEventListener("change", () => go({ target: chosen.value }));

function draw() {
  const started = performance.now();
  drawGraph();
  drawSelects();
  drawFacts();
  chosen.value = state.target;
  axes.x.value = state.x;
  axes.y.value = state.y;
  drawValues();
  drawNeighbours();
  drawProxies();
  drawExport();
  drawScatter();
  const target = TARGETS.get(state.target);
  document.getElementById("best-measured").disabled = !target.has_measured;
  document.body.dataset.cell = codeOf(state.cell);
  document.body.dataset.milliseconds = (performance.now() - started).toFixed(1);
}

// Change a part of the state, tell it in the address, draw.
function go(change) {
  Object.assign(state, change);
  notice.textContent = "";
  window.history.pushState(null, "", writeAddress());
  draw();
}

function fromAddress() {
  const { read, problems } = readAddress(window.location.hash);
  Object.assign(state, read);
  notice.textContent = problems.length
    ? `This address was not understood in full: ${problems.slice(0, 3).join("; ")}.` : "";
  draw();
}

document.getElementById("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = document.getElementById("asked").value;
  const found = parseCell(asked);
  if (found === null) notice.textContent = `Cell: expected ${READERS.cell[1]}, got "${brief(asked)}".`;
  else go({ cell: found });
});
document.getElementById("random").addEventListener("click", () => {
  go({ cell: Math.floor(Math.random() * N_CELLS) });
});
for (const kind of ["predicted", "measured"]) {
  document.getElementById(`best-${kind}`).addEventListener("click", () => {
    const target = TARGETS.get(state.target);
    const best = bestOf(target[kind], target.higher);
    if (best !== null) go({ cell: best });
  });
}

document.getElementById("footer").textContent = DATA.footer;
window.addEventListener("hashchange", fromAddress);
window.addEventListener("popstate", fromAddress);
let waiting = 0;
window.addEventListener("resize", () => {
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(drawScatter);
});
fromAddress();
