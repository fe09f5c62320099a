"""docs/leaderboard.md: predictors and searches beside their peers, from the committed results.

    python -m experiments.leaderboard            # rewrites docs/leaderboard.md

Reads only what is committed: no table, no network, nothing is measured again.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from experiments.frame import read_csv
from experiments.markdown import NOTHING, between, mean, table
from surrobust.benchmark.peers import PEERS

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "leaderboard.md"
SIZES = (50, 200, 1000)
BUDGETS = (20, 50, 100)
COPIED = ("several_objectives", "prior_search")
"""Folders whose tables are shown as they are, where the folder is."""
BASELINE = "parameters"
EARLIER = ", earlier"

OPENING = """
Made by `make leaderboard` from the committed results of [experiments](../experiments/README.md); do
not edit. Ours in **bold**; peers are other authors' code with its default settings. Best first, by
the mean over the targets of a table; what lacks one of them stands last. Protocol, commit, machine
and hold-out discipline are in the folder of each section.
"""
PREDICTORS = """
Kendall's tau-b on all representatives that were not trained on, after N training cells: mean ± sd
over n splits, higher is better. Where no sd is given only the mean of a peer's n splits is known;
such peers were run by N = 200 on all targets, 6 or 7 of these 11 at 1000. Others' models were run
on our splits; `graf/...` read GRAF's columns and one-hot edges, the rest one-hot edges alone.
`parameters` ranks by the number of parameters. The ceiling is what a perfect predictor would reach,
given retraining noise between equal networks ([noise](../experiments/noise/README.md)).
"""
SEARCHES = """
Regret after so many evaluations: the best value in the table less the best found, a fraction; mean
± sd over n runs, lower is better. `default` pays for one cell of a function class. Of peers named
`library/method` only means are known: 4 to 20 runs with seeds of their own, drawing from all 15625
cells, of which some pay for every repeat. Peers without a slash ran in our loop by our rule, where
the value of a measured function class is told for nothing. `zero_cost` was taught by other image
sets.
"""

Cells = Mapping[tuple[str, str], tuple[float, str, str]]
"""By name and target: the number to sort by, what is shown, and n."""


def make_page() -> str:
    """Return the page."""
    return "\n".join([*_opening(), *_predictors(), *_searches(), *_copies()]) + "\n"


def _opening() -> list[str]:
    return ["# Leaderboard", "", *OPENING.strip().splitlines()]


def _predictors() -> list[str]:
    lines = [*_head("Predictors", "predictors"), *PREDICTORS.rstrip().splitlines()]
    ours, again = taus_of("predictors/results.csv"), taus_of("predictors/peers_runs.csv")
    taus = {(_named(name), target, n): values for (name, target, n), values in ours.items()} | again
    tops = {
        row["target"]: float(row["ceiling"])
        for row in read_csv(HERE / "noise/results.csv")
        if (row["measure"], row["classes"]) == ("kendall_tau", "networks")
    }
    for size in SIZES:
        cells = {
            (name, target): (-float(np.mean(values)), mean(values), str(len(values)))
            for (name, target, n), values in taus.items()
            if n == size
        }
        for (name, target, n), (tau, splits) in earlier_peers().items():
            if n == size:
                cells[name, target] = (-tau, f"{tau:.3f}", splits)
        for benchmark, targets in _by_benchmark(cells).items():
            ceilings = ["ceiling", "", *(f"{tops[t]:.3f}" for t in targets)]
            ceilings.append(f"{np.mean([tops[t] for t in targets]):.3f}")
            lines += _table(f"N = {size}, `{benchmark}`", cells, targets, ceilings)
    return lines


def taus_of(path: str) -> dict[tuple[str, str, int], list[float]]:
    """Return Kendall's tau of each split by name, target and N; nothing without the file."""
    taus: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for row in read_csv(HERE / path) if (HERE / path).is_file() else []:
        key = (row["predictor"], row["target"], int(row["n_train"]))
        taus[key].append(float(row["kendall_tau"]))
    return dict(taus)


def earlier_peers() -> dict[tuple[str, str, int], tuple[float, str]]:
    """Return mean tau and number of splits by name, target and N, of peers' earlier runs.

    Where a peer was run again on all our splits, the earlier row says that it is the earlier one.
    """
    again = {(name, target) for name, target, _ in taus_of("predictors/peers_runs.csv")}
    return {
        (
            row["peer"] + (EARLIER if (row["peer"], row["target"]) in again else ""),
            row["target"],
            int(row["n_train"]),
        ): (float(row["kendall_tau"]), row["splits"])
        for row in read_csv(HERE / "predictors/peers.csv")
    }


def _named(predictor: str) -> str:
    return predictor if predictor == BASELINE else f"**{predictor}**"


def _searches() -> list[str]:
    lines = [*_head("Searches", "search"), *SEARCHES.rstrip().splitlines()]
    found = search_tables()
    for number, budget in enumerate(BUDGETS):
        cells = {}
        for (name, target), row in found.items():
            shown = row[1 + number]
            if re.match(r"\d", shown):
                cells[name, target] = (float(shown.split()[0]), shown, row[0])
        for benchmark, targets in _by_benchmark(cells).items():
            lines += _table(f"{budget} evaluations, `{benchmark}`", cells, targets)
    return lines


def search_tables() -> dict[tuple[str, str], list[str]]:
    """Return runs and regrets as they are shown, by name and target."""
    found = {}
    target = ""
    for text in _marked("search"):
        if text.startswith("### `"):
            target = text.split("`")[1]
        elif text.startswith("| ") and not text.startswith("| |"):
            name, *row = (cell.strip() for cell in text.strip("|").split("|"))
            found[_by_whom(name), target] = row
    return found


def _copies() -> list[str]:
    lines = []
    for folder in COPIED:
        if (HERE / folder / "README.md").is_file():
            text = (HERE / folder / "README.md").read_text()
            how = text[text.index("**Command.**") :].split("\n\n")[0]
            title = folder.replace("_", " ").capitalize()
            lines += [*_head(title, folder), "", *how.splitlines(), ""]
            lines += map(_by_whom, _marked(folder))
    return lines


def _by_whom(text: str) -> str:
    """Return a name, or lines that begin with one, in bold only if it is ours."""
    others = "|".join(["optuna/[^*]*", *sorted(map(re.escape, PEERS))])
    return re.sub(rf"\*\*({others})\*\*", r"\1", text)


def _head(title: str, folder: str) -> list[str]:
    """Return the heading of a section, with the question and the command of its folder."""
    readme = (HERE / folder / "README.md").read_text()
    question = readme.splitlines()[0].lstrip("# ")
    command = re.search(r"^\*\*Command\.\*\*.*?`([^`]+)`", readme, flags=re.MULTILINE)
    assert command, f"{folder}: README.md has no command"
    link = f"[experiments/{folder}](../experiments/{folder}/README.md)"
    return ["", f"## {title}", "", f"{question} {link}, by `{command[1]}`."]


def _table(
    title: str, cells: Cells, targets: Sequence[str], last: Sequence[str] | None = None
) -> list[str]:
    """Return a table of one benchmark, best first."""
    heads = ["", "n", *(f"`{target.partition('/')[2]}`" for target in targets), "mean"]
    names = {name for name, target in cells if target in targets}

    def place(name: str) -> tuple[int, float, str]:
        known = [cells[name, target][0] for target in targets if (name, target) in cells]
        return len(targets) - len(known), float(np.mean(known)), name

    rows = []
    for name in sorted(names, key=place):
        row = [cells.get((name, target)) for target in targets]
        missing, level, _ = place(name)
        digits = max(len(cell[1].split()[0].partition(".")[2]) for cell in row if cell)
        shown = [cell[1] if cell else NOTHING for cell in row]
        average = NOTHING if missing else f"{abs(level):.{digits}f}"
        rows.append([name, _counts([cell[2] for cell in row if cell]), *shown, average])
    return ["", f"### {title}", "", *table(heads, rows if last is None else [*rows, last])]


def _counts(counts: Sequence[str]) -> str:
    return ", ".join(counts) if len(set(counts)) > 1 else counts[0]


def _by_benchmark(cells: Cells) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for target in dict.fromkeys(target for _, target in cells):
        found[target.partition("/")[0]].append(target)
    return {name: sorted(found[name]) for name in sorted(found, reverse=True)}


def _marked(folder: str) -> list[str]:
    page = (HERE / folder / "README.md").read_text(encoding="utf-8")
    return between(page, "tables").strip("\n").splitlines()


if __name__ == "__main__":
    PAGE.write_text(make_page(), encoding="utf-8")
    print(PAGE)
