"""The tables of README.md and docs/results.md, from the committed results.

    python -m experiments.summaries            # rewrites them between their markers

Reads only what is committed, as ``leaderboard.py`` does: no table, nothing is measured again.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.leaderboard import EARLIER, earlier_peers, search_tables, taus_of
from experiments.markdown import between, put, table
from surrobust.benchmark import TARGETS

ROOT = Path(__file__).parents[1]
OURS = "**default**"
BUDGET = 50

Peer = tuple[float, str, str]
"""A mean, whose it is, and its n."""


def make_tables() -> dict[tuple[Path, str], str]:
    """Return the text between the markers of each table, by page and by name of the marker."""
    return {
        (ROOT / "README.md", "summary"): _summary(),
        (ROOT / "docs" / "results.md", "predicting"): _predicting((20, 50, 200, 1000, 5000)),
        (ROOT / "docs" / "results.md", "searching"): _searching(),
    }


def current(page: Path, name: str) -> str:
    """Return what stands between the markers."""
    return between(page.read_text(encoding="utf-8"), name)


def _summary() -> str:
    sizes = (50, 200, 1000)
    ours, peers = _taus()
    found = search_tables()
    heads = [f"tau, N = {n}, best of {_counted(peers, n)}" for n in sizes]
    body = []
    for target in TARGETS:
        mean, _, runs = best_searcher(target)
        cells = [_beside(ours[target, n], max(peers[target, n]), named=False) for n in sizes]
        regret = _bold(found[OURS, target][2])
        body.append([f"`{target}`", *cells, regret, f"{mean:.4f} (n = {runs})"])
    return _text(["target", *heads, f"regret at {BUDGET}", "best peer"], body)


def _predicting(sizes: Sequence[int]) -> str:
    ours, peers = _taus()
    heads = ["target", *(f"N = {n}, best of {_counted(peers, n)}" for n in sizes)]
    return _text(
        heads,
        [
            [f"`{t}`", *(_beside(ours[t, n], max(peers[t, n]), named=True) for n in sizes)]
            for t in TARGETS
        ],
    )


def _searching() -> str:
    found = search_tables()
    body = []
    for target in TARGETS:
        row, (mean, name, n) = found[OURS, target], best_searcher(target)
        peer = f"{mean:.4f} ({name}, n = {n})"
        body.append([f"`{target}`", _bold(row[2]), peer, *row[4:6]])
    heads = ["target", "regret at 50", "best peer", "best cell found by 50", "by 100"]
    return _text(heads, body)


def best_searcher(target: str) -> Peer:
    """Return the peer of the lowest mean regret after 50 evaluations."""
    rows = [(name, row) for (name, t), row in search_tables().items() if t == target]
    return min(
        (float(row[2].split()[0]), name, row[0])
        for name, row in rows
        if not name.startswith("**") and row[2][:1].isdigit()
    )


def _taus() -> tuple[dict[tuple[str, int], list[float]], dict[tuple[str, int], list[Peer]]]:
    """Return the default's taus over splits, and the peers, by target and N."""
    ours = {
        (target, n): values
        for (name, target, n), values in taus_of("predictors/results.csv").items()
        if name == "default"
    }
    peers: dict[tuple[str, int], list[Peer]] = defaultdict(list)
    for (name, target, n), (tau, splits) in earlier_peers().items():
        peers[target, n].append((tau, name.removesuffix(EARLIER), splits))
    for (name, target, n), values in taus_of("predictors/peers_runs.csv").items():
        peers[target, n].append((float(np.mean(values)), name, str(len(values))))
    return ours, peers


def _counted(peers: dict[tuple[str, int], list[Peer]], n: int) -> str:
    """Return how many peers the best was taken from, the least and the most over targets."""
    counts = sorted(len({name for _, name, _ in peers[target, n]}) for target in TARGETS)
    return f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]}–{counts[-1]}"


def _beside(ours: Sequence[float], best: Peer, *, named: bool) -> str:
    tau, name, n = best
    own = "" if len(ours) == 10 else f", n = {len(ours)}"
    whose = f"{name}, " if named else ""
    return f"**{np.mean(ours):.3f}**{own} ({tau:.3f}, {whose}n = {n})"


def _bold(regret: str) -> str:
    return f"**{regret.replace(' ±', '** ±')}"


def _text(heads: list[str], body: list[list[str]]) -> str:
    return "\n".join(table(heads, body)) + "\n"


if __name__ == "__main__":
    for (page, name), text in make_tables().items():
        page.write_text(put(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
        print(page, name)
