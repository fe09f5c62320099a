// Every number that a cell has, by name: predicted|<target>, measured|<target>, params, flops,
// proxy|<name>. A quantity gives its value for an index, NaN where there is none.

const QUANTITIES = new Map();
const TARGETS = new Map();

function column(packed, perCell) {
  const levels = unpack(packed.data, Uint16Array);
  const step = (packed.high - packed.low) / (MISSING - 1);
  return (index) => {
    const level = levels[perCell ? index : ROWS[index]];
    return level === MISSING ? NaN : packed.low + step * level;
  };
}

for (const target of DATA.targets) {
  const own = { key: target.key, higher: target.higher, perCell: target.per_cell };
  for (const kind of ["predicted", "lower", "upper", "measured"]) {
    own[kind] = target[kind] ? column(target[kind], target.per_cell) : () => NaN;
    own[`has_${kind}`] = Boolean(target[kind]);
  }
  TARGETS.set(target.key, own);
  for (const kind of ["predicted", "measured"]) {
    if (target[kind]) {
      const name = `${kind}|${target.key}`;
      QUANTITIES.set(name, { name, group: kind, label: target.key, higher: target.higher,
        perCell: target.per_cell, of: own[kind] });
    }
  }
}

for (const count of ["params", "flops"]) {
  const values = unpack(DATA[count], Uint32Array);
  QUANTITIES.set(count, { name: count, group: "counted", label: count, higher: false,
    perCell: true, of: (index) => values[index] });
}

const PROXY_ROW = new Map();
unpack(DATA.proxies.index, Uint16Array).forEach((index, row) => PROXY_ROW.set(ROWS[index], row));
const PROXIES = Object.entries(DATA.proxies.columns).map(([label, packed]) => {
  const values = unpack(packed, Float32Array);
  const of = (index) => {
    const row = PROXY_ROW.get(ROWS[index]);
    return row === undefined ? NaN : values[row];
  };
  const name = `proxy|${label}`;
  const quantity = { name, group: "zero-cost score", label, higher: true, perCell: false, of };
  QUANTITIES.set(name, quantity);
  return quantity;
});

// All indices that a scatter of these quantities shows: representatives unless cells differ.
function cellsFor(...quantities) {
  const all = quantities.some((quantity) => quantity.perCell);
  return all ? Array.from({ length: N_CELLS }, (_, index) => index) : REPRESENTATIVES;
}

// The index of the best value; null where nothing has one.
function bestOf(of, higher) {
  let best = null;
  for (let index = 0; index < N_CELLS; index += 1) {
    const value = of(index);
    const better = best === null || (higher ? value > of(best) : value < of(best));
    if (Number.isFinite(value) && better) best = index;
  }
  return best;
}
