"""What a suggestion costs at 50, 500 and 5000 evaluations, as ratio to Optuna's TPE.

    python experiments/search_overhead/run.py            # everything
    python experiments/search_overhead/run.py --smoke    # 50 evaluations, two strategies, no file

Each strategy is told values of random representatives and then asked and told a few times; the
baseline is Optuna's own ``TPESampler`` on a study with the same number of trials, in the same run.
What ``results.csv`` holds is not measured again, so that a broken run continues.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from surrobust._files import write_text
from surrobust._optuna import quiet_optuna
from surrobust.searches.sharing.ledger import PARAMETERS
from surrobust.sessions import make_search
from surrobust.spaces import OPS, Architecture
from surrobust.tables import MeasurementTable, load_table

HERE = Path(__file__).parent
TARGET = "nas-robbench-201/cifar10/pgd-8"
BASELINE = "optuna-tpe"
OURS = ("random", "zero_cost", "local_search", "evolution", "nsga2", "tpe", "default", "surrogate")
EVALUATIONS = (50, 500, 5000)
SUGGESTIONS = 5
COLUMNS = ("evaluations", "strategy", "median_s", "first_s", "most_s", "n")

Suggest = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--strategies", nargs="+", default=[BASELINE, *OURS])
    parser.add_argument("--evaluations", nargs="+", type=int, default=list(EVALUATIONS))
    parser.add_argument("--data-dir")
    parser.add_argument("--out", type=Path, default=HERE / "results.csv")
    parser.add_argument("--smoke", action="store_true")
    args = parser.parse_args()
    table = load_table("nas-robbench-201", data_dir=args.data_dir)
    if args.smoke:
        print([measure(name, 50, table) for name in (BASELINE, "default")])
        return
    rows = pd.read_csv(args.out).to_dict("records") if args.out.exists() else []
    known = {(row["evaluations"], row["strategy"]) for row in rows}
    for n in args.evaluations:
        for name in args.strategies:
            if (n, name) not in known:
                rows.append(measure(name, n, table))
                frame = pd.DataFrame(rows, columns=list(COLUMNS))
                write_text(args.out, frame.to_csv(index=False, float_format="%.5f"))
                print(rows[-1], flush=True)
    print(report(pd.DataFrame(rows)))


def measure(name: str, n: int, table: MeasurementTable) -> dict[str, object]:
    """Return the seconds of a few suggestions after ``n`` evaluations."""
    order = np.random.default_rng(0).permutation(len(table))[:n]
    cells = [table.architectures[i] for i in order]
    suggest = _theirs(cells, table) if name == BASELINE else _ours(name, cells, table)
    seconds = []
    for _ in range(SUGGESTIONS):
        start = time.perf_counter()
        suggest()
        seconds.append(time.perf_counter() - start)
    return {
        "evaluations": n,
        "strategy": name,
        "median_s": statistics.median(seconds),
        "first_s": seconds[0],
        "most_s": max(seconds),
        "n": SUGGESTIONS,
    }


def _ours(name: str, cells: list[Architecture], table: MeasurementTable) -> Suggest:
    search = make_search(name, seed=0, target=TARGET)
    for cell in cells:
        search.tell(cell, table.query(cell, TARGET))

    def suggest() -> None:
        (cell,) = search.ask()
        search.tell(cell, table.query(cell, TARGET))

    return suggest


def _theirs(cells: list[Architecture], table: MeasurementTable) -> Suggest:
    import optuna

    choices = dict.fromkeys(PARAMETERS, optuna.distributions.CategoricalDistribution(OPS))
    with quiet_optuna():
        sampler = optuna.samplers.TPESampler(seed=0)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for cell in cells:
            params = dict(zip(PARAMETERS, (OPS[op] for op in cell.ops), strict=True))
            value = table.query(cell, TARGET)
            study.add_trial(optuna.create_trial(params=params, distributions=choices, value=value))

    def suggest() -> None:
        with quiet_optuna():
            trial = study.ask(choices)
            cell = Architecture(tuple(OPS.index(trial.params[name]) for name in PARAMETERS))
            study.tell(trial, table.query(cell, TARGET))

    return suggest


def report(rows: pd.DataFrame) -> str:
    """Return the Markdown table of ratios to the baseline, with seconds."""
    sizes = sorted(rows["evaluations"].unique())
    lines = ["| strategy | " + " | ".join(f"{n} evaluations" for n in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    seconds = {(r.evaluations, r.strategy): r.median_s for r in rows.itertuples()}
    for name in dict.fromkeys(rows["strategy"]):
        cells = [_cell(seconds.get((n, name)), seconds.get((n, BASELINE))) for n in sizes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(seconds: float | None, base: float | None) -> str:
    return "–" if seconds is None or base is None else f"{seconds / base:.2f} ({seconds:.3f} s)"


if __name__ == "__main__":
    main()
