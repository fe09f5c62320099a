// What the page shows, and its form in the address: #cell=323133&target=...&x=...&y=...

const DEFAULTS = {
  cell: parseCell(DATA.cell),
  target: DATA.target,
  x: "params",
  y: QUANTITIES.has(`predicted|${DATA.target}`) ? `predicted|${DATA.target}` : "flops",
};
const state = { ...DEFAULTS };

const READERS = {
  cell: [parseCell, "an index 0 to 15624, a code of six digits 0 to 4, or a genotype"],
  target: [(text) => (TARGETS.has(text) ? text : null), "the name of a target"],
  x: [(text) => (QUANTITIES.has(text) ? text : null), "a quantity of this page"],
  y: [(text) => (QUANTITIES.has(text) ? text : null), "a quantity of this page"],
};

function brief(text) {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

// Read an address; what is malformed is told and left at its default.
function readAddress(hash) {
  const read = { ...DEFAULTS };
  const problems = [];
  const parts = hash.replace(/^#/, "").slice(0, 4000).split("&").filter(Boolean);
  for (const part of parts) {
    const [name, ...rest] = part.split("=");
    let text = null;
    try {
      text = decodeURIComponent(rest.join("="));
    } catch {
      problems.push(`${brief(name)}: expected an encoded text, got ${brief(part)}`);
      continue;
    }
    if (!Object.hasOwn(READERS, name)) {
      problems.push(`expected cell, target, x or y, got ${brief(name)}`);
      continue;
    }
    const [reader, expected] = READERS[name];
    const value = reader(text);
    if (value === null) problems.push(`${name}: expected ${expected}, got "${brief(text)}"`);
    else read[name] = value;
  }
  return { read, problems };
}

function writeAddress() {
  const parts = [`cell=${codeOf(state.cell)}`];
  for (const name of ["target", "x", "y"]) {
    if (state[name] !== DEFAULTS[name]) parts.push(`${name}=${encodeURIComponent(state[name])}`);
  }
  return `#${parts.join("&")}`;
}
