// The packed data, and what follows from a cell's six digits without any of it.

const DATA = JSON.parse(document.getElementById("data").textContent);
const OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
const LABELS = ["none", "skip", "conv 1×1", "conv 3×3", "avg pool"];
const COLOURS = ["#9ca3af", "#6b7280", "#c2710c", "#1d4ed8", "#15803d"];
const EDGES = [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]];
const N_CELLS = 15625;
const MISSING = 65535;

function unpack(text, Kind) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Kind(bytes.buffer);
}

// By index: the code as a number to base five, and the row of the representative.
const NUMBERS = unpack(DATA.order, Uint16Array);
const ROWS = unpack(DATA.rows, Uint16Array);
const INDEX_OF_NUMBER = new Uint16Array(N_CELLS);
const REPRESENTATIVES = [];
const MEMBERS = [];
for (let index = 0; index < N_CELLS; index += 1) {
  INDEX_OF_NUMBER[NUMBERS[index]] = index;
  if (ROWS[index] === REPRESENTATIVES.length) {
    REPRESENTATIVES.push(index);
    MEMBERS.push(0);
  }
  MEMBERS[ROWS[index]] += 1;
}

function codeOf(index) {
  return NUMBERS[index].toString(5).padStart(6, "0");
}

function indexOfCode(code) {
  return INDEX_OF_NUMBER[parseInt(code, 5)];
}

function withOp(index, edge, op) {
  const code = codeOf(index);
  return indexOfCode(code.slice(0, edge) + op + code.slice(edge + 1));
}

function genotypeOf(index) {
  const op = [...codeOf(index)].map((digit) => OPS[digit]);
  return `|${op[0]}~0|+|${op[1]}~0|${op[2]}~1|+|${op[3]}~0|${op[4]}~1|${op[5]}~2|`;
}

// Read an index, a code or a genotype; null where it is none of them.
function parseCell(text) {
  const asked = text.trim();
  if (/^[0-4]{6}$/.test(asked)) return indexOfCode(asked);
  if (/^[0-9]{1,5}$/.test(asked) && Number(asked) < N_CELLS) return Number(asked);
  const op = "(none|skip_connect|nor_conv_1x1|nor_conv_3x3|avg_pool_3x3)";
  const form = `^\\|${op}~0\\|\\+\\|${op}~0\\|${op}~1\\|\\+\\|${op}~0\\|${op}~1\\|${op}~2\\|$`;
  const found = asked.length < 200 && asked.match(new RegExp(form));
  return found ? indexOfCode(found.slice(1).map((name) => OPS.indexOf(name)).join("")) : null;
}

// The 24 cells that differ in one operation.
function neighboursOf(index) {
  const found = [];
  const code = codeOf(index);
  EDGES.forEach((_, edge) => OPS.forEach((__, op) => {
    if (String(op) !== code[edge]) found.push({ edge, op, index: withOp(index, edge, op) });
  }));
  return found;
}

function show(number) {
  if (!Number.isFinite(number)) return "–";
  const size = Math.abs(number);
  if (Number.isInteger(number) && size >= 100 && size < 1e12) return number.toLocaleString("en");
  if (size >= 1e6 || (size < 1e-3 && size > 0)) return number.toExponential(3);
  return size >= 100 ? number.toFixed(1) : number.toFixed(4);
}
