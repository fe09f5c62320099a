"""README's tables from ``predictors.csv``, ``searches.csv`` and ``afterwards.csv``.

python experiments/untouched/report.py
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from surrobust._files import write_text
from surrobust.benchmark.searches import BUDGETS
from surrobust.benchmark.searches.leaderboard import signed_rank_p

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
CHANGED = "default, changed afterwards"
OURS = ("default", CHANGED, "gp", "xgboost", "random_forest", "random", "local_search")

Values = dict[str, dict[str, dict[int, float]]]
"""By what is compared (a size or a budget), name and seed."""
Row = Mapping[str, str]
Best = Callable[[Iterable[float]], float]


def main() -> None:
    lines: list[str] = []
    for target, taus in _read("predictors.csv", _taus).items():
        lines += _table(f"Kendall's tau, `{target}`", "N = {}", taus, digits=3, best=max)
    changed = _read("afterwards.csv", _regrets)
    for target, regrets in _read("searches.csv", _regrets).items():
        for budget, by_name in changed[target].items():
            regrets[budget][CHANGED] = by_name["default"]
        found = _table(f"Regret, `{target}`", "after {}", regrets, digits=4, best=min)
        lines += [*found[:1], *map(_with_shares(regrets), found[1:])]
    readme = HERE / "README.md"
    text = readme.read_text()
    head, tail = text.split(BEGIN)[0], text.split(END)[1]
    write_text(readme, head + BEGIN + "\n".join(lines) + "\n" + END + tail)


def _read(name: str, told: Callable[[Row], list[tuple[str, str, float]]]) -> dict[str, Values]:
    found: dict[str, Values] = {}
    with (HERE / name).open(newline="") as file:
        for row in csv.DictReader(file):
            for column, who, value in told(row):
                by_name = found.setdefault(row["target"], {}).setdefault(column, defaultdict(dict))
                by_name[who][int(row["seed"])] = value
    return found


def _taus(row: Row) -> list[tuple[str, str, float]]:
    return [(row["n_train"], row["predictor"], float(row["kendall_tau"]))]


def _regrets(row: Row) -> list[tuple[str, str, float]]:
    return [(str(b), row["strategy"], float(row[f"regret_{b}"])) for b in BUDGETS]


def _table(title: str, head: str, columns: Values, *, digits: int, best: Best) -> list[str]:
    """Return mean ± sd over seeds, and how far each is ahead of ``default``, with p."""
    names = list(dict.fromkeys(name for column in columns.values() for name in column))
    heads = [head.format(column) for column in columns]
    lines = [f"\n### {title}\n", f"| | n | {' | '.join(heads)} |", "|---" * (len(heads) + 2) + "|"]
    for name in names:
        cells = [_cell(column, name, digits, best) for column in columns.values()]
        n = max(len(column.get(name, {})) for column in columns.values())
        shown = f"**{name}**" if name in OURS else name
        lines.append(f"| {shown} | {n} | {' | '.join(cells)} |")
    return lines


def _with_shares(regrets: Values) -> Callable[[str], str]:
    """Return what adds to a row the share of runs that had found the best at the end."""
    last = regrets[str(max(BUDGETS))]

    def add(line: str) -> str:
        name = line.strip("|").split("|")[0].strip().strip("*")
        if name in last:
            share = np.mean([regret == 0 for regret in last[name].values()])
            return f"{line} {share:.0%} |"
        return line + ("---|" if set(line) <= set("|-") else " best found |")

    return add


def _cell(column: dict[str, dict[int, float]], name: str, digits: int, best: Best) -> str:
    runs, reference = column.get(name, {}), column.get("default", {})
    if not runs:
        return "–"
    values = np.array(list(runs.values()))
    means = [np.mean(list(each.values())) for each in column.values()]
    shown = f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"
    if values.mean() == best(means):
        shown = f"**{shown}**"
    seeds = [seed for seed in runs if seed in reference]
    if name == "default" or not seeds:
        return shown
    differences = np.array([runs[seed] - reference[seed] for seed in seeds])
    return f"{shown} ({differences.mean():+.{digits}f}, p {signed_rank_p(differences):.2g})"


if __name__ == "__main__":
    main()
