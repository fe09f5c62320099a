// The current cell in forms that other programs read.

function asJson(index) {
  const code = codeOf(index);
  const edges = Object.fromEntries(EDGES.map(([from, to], e) => [`${from}->${to}`, OPS[code[e]]]));
  return JSON.stringify({ architecture: genotypeOf(index), index, edges }, null, 1);
}

function termOf(edge, op) {
  const [from, to] = EDGES[edge];
  return op === 1 ? `x${from}` : `self.edge_${from}_${to}(x${from})`;
}

function asPyTorch(index) {
  const ops = [...codeOf(index)].map(Number);
  const made = { 2: "conv(channels, 1)", 3: "conv(channels, 3)",
    4: "nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)" };
  const layers = EDGES.map(([from, to], edge) => (
    made[ops[edge]] ? `        self.edge_${from}_${to} = ${made[ops[edge]]}` : null)).filter(Boolean);
  const sums = [1, 2, 3].map((node) => {
    const terms = EDGES.map(([, to], edge) => (
      to === node && ops[edge] !== 0 ? termOf(edge, ops[edge]) : null)).filter(Boolean);
    return `        x${node} = ${terms.join(" + ") || "torch.zeros_like(x0)"}`;
  });
  return [
    `"""NAS-Bench-201 cell ${index}, code ${codeOf(index)}."""`,
    "",
    "import torch",
    "from torch import nn",
    "",
    "",
    "def conv(channels, kernel):",
    "    return nn.Sequential(",
    "        nn.ReLU(),",
    "        nn.Conv2d(channels, channels, kernel, padding=kernel // 2, bias=False),",
    "        nn.BatchNorm2d(channels),",
    "    )",
    "",
    "",
    "class Cell(nn.Module):",
    "    def __init__(self, channels):",
    "        super().__init__()",
    ...layers,
    "",
    "    def forward(self, x0):",
    ...sums,
    "        return x3",
    "",
  ].join("\n");
}

const FORMS = { genotype: genotypeOf, json: asJson, pytorch: asPyTorch };
const form = document.getElementById("form");
const exported = document.getElementById("export");

function drawExport() {
  exported.value = FORMS[form.value](state.cell);
}

async function copy(text, button) {
  let done = "copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    exported.value = text;
    exported.select();
    done = "selected";
  }
  const before = button.dataset.text ?? button.textContent;
  button.dataset.text = before;
  button.textContent = `${before}: ${done}`;
  setTimeout(() => { button.textContent = before; }, 1500);
}

form.addEventListener("change", drawExport);
document.getElementById("copy").addEventListener("click", (event) => {
  copy(exported.value, event.target);
});
document.getElementById("copy-link").addEventListener("click", (event) => {
  copy(window.location.href.split("#")[0] + writeAddress(), event.target);
});
