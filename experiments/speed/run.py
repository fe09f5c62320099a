"""What a prediction costs, as ratios of whole processes and loops measured in one run.

    python experiments/speed/run.py            # a minute or two

Every pair is run in turn, A B A B ..., and the median of the paired ratios is reported.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import surrobust as sr

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    args = parser.parse_args()
    predict = [str(Path(sys.executable).with_name("surrobust")), "predict", "2581"]
    results = {
        "python": platform.python_version(),
        "runs": args.runs,
        "predict / import xgboost": _ratio(predict, _python("import xgboost"), args.runs),
        "import surrobust / import numpy": _ratio(
            _python("import surrobust"), _python("import numpy"), args.runs
        ),
    }
    for name in sr.list_predictors():
        results[f"batch {name}"] = _batch(name)
    args.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _ratio(a: list[str], b: list[str], runs: int) -> dict[str, float]:
    """Time two commands in turn; the first round of each is not counted."""
    rounds = [(_seconds(a), _seconds(b)) for _ in range(runs + 1)][1:]
    ratios = [x / y for x, y in rounds]
    return {
        "median": round(statistics.median(ratios), 3),
        "min": round(min(ratios), 3),
        "max": round(max(ratios), 3),
        "median_seconds_a": round(statistics.median(x for x, _ in rounds), 3),
        "median_seconds_b": round(statistics.median(y for _, y in rounds), 3),
    }


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _batch(name: str) -> dict[str, float]:
    """All 15625 cells x all targets in one call, against a loop of single calls."""
    cells = list(sr.NASBench201())
    predictor = sr.load_predictor(name)
    predictor.predict(cells[:10])
    start = time.perf_counter()
    predictor.predict(cells)
    batch = len(cells) / (time.perf_counter() - start)
    start = time.perf_counter()
    for cell in cells[:200]:
        predictor.predict([cell])
    loop = 200 / (time.perf_counter() - start)
    return {
        "targets": len(predictor.targets),
        "cells_per_second": round(batch),
        "cells_per_second_in_a_loop": round(loop),
        "ratio": round(batch / loop, 1),
    }


if __name__ == "__main__":
    main()
