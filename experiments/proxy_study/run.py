"""Which zero-cost proxies matter, for which accuracy? The study of Lukasik et al. on both tables.

    python experiments/proxy_study/run.py                  # published scores: minutes, resumable
    python experiments/proxy_study/run.py --scores own     # our own scores, data/proxies.csv.gz
    python experiments/proxy_study/run.py --smoke          # one target, one draw, no files
    python experiments/proxy_study/run.py --report         # only README's tables and the figures

A random forest learns a target from the scores of N cells and is tested on all other cells that
were scored. Once more with the most important proxy alone, without it, and with the parameter
count alone. Writes ``results.csv`` and ``importance.csv`` after every forest.
"""

import argparse
import csv
import io
import itertools
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from surrobust._files import write_text
from surrobust.benchmark import TARGETS, split
from surrobust.metrics import kendall_tau, r2_score
from surrobust.spaces import representatives_by_index
from surrobust.tables import load_proxy_columns, load_proxy_scores, load_table

HERE = Path(__file__).parent
STUDIED = tuple(
    dict.fromkeys(
        [
            "nas-robbench-201/cifar10/clean",
            *(target for target in TARGETS if target.startswith("nas-robbench-201")),
            "nas-robbench-201/imagenet16-120/pgd-8",
            "jung2023/cifar10/clean",
            "jung2023/cifar10/fgsm-1",
            "jung2023/cifar10/pgd-1",
            "jung2023/cifar10/apgd-ce-1",
            "jung2023/cifar10/square-1",
            *(target for target in TARGETS if target.startswith("jung2023")),
        ]
    )
)
"""Those that the published study and its replication report, and the eight of the leaderboards."""

SIZES = (32, 128, 1024)
BASELINE = "params"
ALL, BEST, REST, COUNT = "all", "best alone", "best left out", "params alone"
SETS = (ALL, REST, BEST, COUNT)
RESULTS = ("scores", "target", "n_train", "seed", "features", "best", "n_test", "r2", "kendall_tau")
IMPORTANCE = ("scores", "target", "n_train", "seed", "proxy", "importance")
TREES, REPEATS, SHOWN = 100, 5, 1000

Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", choices=("published", "own"), default="published")
    parser.add_argument("--targets", nargs="+", default=list(STUDIED))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(5)))
    parser.add_argument("--data-dir")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--report", action="store_true")
    args = parser.parse_args()
    if args.smoke:
        indices, names, scores = read_scores(args.scores, args.data_dir)
        values = read_target(args.targets[0], indices, args.data_dir)
        rows, drops = study(scores, values, names, n_train=32, seed=0, trees=20)
        print(*rows, *drops, sep="\n")
        return
    if not args.report:
        run(args)
    report()


def read_scores(kind: str, data_dir: str | None) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Indices of the representatives that were scored, names of scores, and these, ``(n, p)``.

    Where a proxy failed on a cell its score is NaN, which the forest takes as it is.
    """
    if kind == "published":
        names, table = load_proxy_columns(data_dir=data_dir)
        # Without scores: cells with dead branches. An isomorphic cell may be one without.
        scored = np.flatnonzero(np.isfinite(table).any(axis=1))
        indices, firsts = np.unique(np.array(representatives_by_index())[scored], return_index=True)
        scores = table[scored[firsts]]
        order = sorted(range(len(names)), key=lambda j: names[j])
        names, scores = [names[j] for j in order], scores[:, order]
    else:
        frame = load_proxy_scores()
        # Costly proxies are known of few cells: a forest of them would be another question.
        frame = frame.loc[:, frame.notna().sum() > 0.5 * len(frame)].sort_index()
        names, indices, scores = list(frame), frame.index.to_numpy(), frame.to_numpy()
    return indices, list(names), scores


def read_target(target: str, indices: np.ndarray, data_dir: str | None) -> np.ndarray:
    frame = load_table(target.split("/")[0], data_dir=data_dir).to_frame()
    return frame[target].loc[indices].to_numpy()


def study(
    scores: np.ndarray, y: np.ndarray, names: list[str], *, n_train: int, seed: int, trees: int
) -> tuple[list[Row], list[Row]]:
    """Fit the forests of one draw; return a row for each, and the importances with all scores."""
    train, test = split(len(y), n_train=n_train, seed=seed)

    def fit(columns: list[int]) -> object:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(trees, random_state=seed)
        return forest.fit(scores[np.ix_(train, columns)], y[train])

    whole = list(range(len(names)))
    forest = fit(whole)
    drops = permutation_importance(forest, scores[test[:SHOWN]], y[test[:SHOWN]], seed)
    best = int(np.argmax(drops))
    chosen = {
        ALL: whole,
        REST: [j for j in whole if j != best],
        BEST: [best],
        COUNT: [names.index(BASELINE)],
    }
    rows = []
    for label, columns in chosen.items():
        model = forest if label == ALL else fit(columns)
        predicted = model.predict(scores[np.ix_(test, columns)])
        quality = {
            "r2": r2_score(y[test], predicted),
            "kendall_tau": kendall_tau(y[test], predicted),
        }
        rows.append({"features": label, "best": names[best], "n_test": len(test), **quality})
    return rows, [{"proxy": n, "importance": d} for n, d in zip(names, drops, strict=True)]


def permutation_importance(forest, x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """Loss of R2 on held-out cells when one column is shuffled, mean over REPEATS, ``(p,)``.

    Breiman, "Random forests" (Machine Learning 45, 2001), section 10.
    """
    rng = np.random.default_rng(seed)
    n, p = x.shape
    shuffled = np.tile(x, (p, REPEATS, 1, 1))
    for j in range(p):
        for r in range(REPEATS):
            shuffled[j, r, :, j] = x[rng.permutation(n), j]
    predicted = forest.predict(shuffled.reshape(-1, p)).reshape(p, REPEATS, n)
    whole = r2_score(y, forest.predict(x))
    return np.array([whole - np.mean([r2_score(y, one) for one in many]) for many in predicted])


def run(args: argparse.Namespace) -> None:
    results, importance = read(HERE / "results.csv"), read(HERE / "importance.csv")
    known = {key(row) for row in results}
    indices, names, scores = read_scores(args.scores, args.data_dir)
    sizes = [size for size in args.sizes if size <= len(indices) // 2]
    values = {target: read_target(target, indices, args.data_dir) for target in args.targets}
    draws = itertools.product(args.seeds, args.targets, sizes)
    for seed, target, size in draws:
        head = {"scores": args.scores, "target": target, "n_train": size, "seed": seed}
        if key(head) in known:
            continue
        rows, drops = study(scores, values[target], names, n_train=size, seed=seed, trees=TREES)
        results += [formatted({**head, **row}) for row in rows]
        importance += [formatted({**head, **row}) for row in drops]
        # Importances first: a draw is done when its results are there.
        write(HERE / "importance.csv", importance, IMPORTANCE)
        write(HERE / "results.csv", results, RESULTS)
        print(f"{target} N={size} seed={seed}: {rows[0]['r2']:.3f}", file=sys.stderr)


def formatted(row: Row) -> dict[str, str]:
    return {k: f"{v:.5f}" if isinstance(v, float) else str(v) for k, v in row.items()}


def key(row: Row) -> tuple[str, str, int, int]:
    return str(row["scores"]), str(row["target"]), int(row["n_train"]), int(row["seed"])


def read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]], columns: tuple[str, ...]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    # A draw that was interrupted between the two files is made again: the later row holds.
    named = [c for c in columns if c in ("features", "proxy")]
    unique = {(*key(row), *(row[c] for c in named)): row for row in rows}
    writer.writerows(unique[k] for k in sorted(unique))
    write_text(path, text.getvalue())


def report() -> None:
    results, importance = read(HERE / "results.csv"), read(HERE / "importance.csv")
    tables = {}
    for kind in ("published", "own"):
        mine = [row for row in results if row["scores"] == kind]
        tables[f"r2 {kind}"] = table_of_r2(mine)
        drops = [row for row in importance if row["scores"] == kind]
        tables[f"importance {kind}"] = table_of_importance(drops)
    text = (HERE / "README.md").read_text(encoding="utf-8")
    for name, table in tables.items():
        pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
        text = re.sub(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)
    write_text(HERE / "README.md", text)
    draw_bars([row for row in results if row["scores"] == "published"])
    draw_importance([row for row in importance if row["scores"] == "published"])


def numbers(rows: list[dict[str, str]], column: str, **wanted: object) -> np.ndarray:
    chosen = {k: str(v) for k, v in wanted.items()}
    return np.array(
        [float(row[column]) for row in rows if all(row[k] == v for k, v in chosen.items())]
    )


def sizes_in(rows: list[dict[str, str]]) -> list[int]:
    return sorted({int(row["n_train"]) for row in rows})


def table_of_r2(rows: list[dict[str, str]]) -> str:
    if not rows:
        return "Not run."
    lines = [f"| target | N | {' | '.join(SETS)} | Kendall, all | most important |"]
    lines.append("|---" * (len(SETS) + 4) + "|")
    for target in STUDIED:
        for size in sizes_in(rows):
            at = {"target": target, "n_train": size}
            cells = [pm(numbers(rows, "r2", features=name, **at)) for name in SETS]
            cells.append(pm(numbers(rows, "kendall_tau", features=ALL, **at)))
            named = [r["best"] for r in rows if r["features"] == ALL and r["target"] == target]
            named = [
                r["best"] for r in rows if key(r)[1:3] == (target, size) and r["features"] == ALL
            ]
            best = ", ".join(f"{name} {n}" for name, n in Counter(named).most_common())
            lines.append(f"| `{target}` | {size} | {' | '.join(cells)} | {best} |")
    return "\n".join(lines)


def table_of_importance(rows: list[dict[str, str]]) -> str:
    if not rows:
        return "Not run."
    size = sizes_in(rows)[-1]
    names = sorted({row["proxy"] for row in rows}, key=lambda name: (name != BASELINE, name))
    lines = [f"| target (N = {size}) | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for target in STUDIED:
        drops = [numbers(rows, "importance", target=target, n_train=size, proxy=n) for n in names]
        lines.append(f"| `{target}` | {' | '.join(pm(d, 2) for d in drops)} |")
    return "\n".join(lines)


def pm(values: np.ndarray, digits: int = 3) -> str:
    if len(values) < 2:
        return "–"
    return f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}"


def short(target: str) -> str:
    for long, brief in (
        ("nas-robbench-201", "rob"),
        ("jung2023", "jung"),
        ("imagenet16-120", "in16"),
    ):
        target = target.replace(long, brief)
    return target


def draw_bars(rows: list[dict[str, str]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sizes = sizes_in(rows)
    figure, axes = plt.subplots(len(sizes), 1, figsize=(9, 2.3 * len(sizes) + 1), sharex=True)
    places = np.arange(len(STUDIED))
    for axis, size in zip(np.atleast_1d(axes), sizes, strict=True):
        for i, name in enumerate(SETS):
            found = [numbers(rows, "r2", features=name, n_train=size, target=t) for t in STUDIED]
            axis.bar(
                places + (i - 1.5) * 0.2,
                [one.mean() for one in found],
                0.19,
                yerr=[one.std(ddof=1) for one in found],
                error_kw={"linewidth": 0.6},
                label=name,
            )
        axis.set(ylabel=f"R², N = {size}", ylim=(-0.5, 1))
        axis.axhline(0, color="grey", linewidth=0.8)
    axes[0].legend(fontsize=8, ncol=len(SETS), loc="lower left")
    axes[-1].set_xticks(places, [short(t) for t in STUDIED], rotation=40, ha="right", fontsize=8)
    figure.tight_layout()
    figure.savefig(HERE / "r2.png", dpi=100)


def draw_importance(rows: list[dict[str, str]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sizes = sizes_in(rows)
    names = sorted({row["proxy"] for row in rows}, key=lambda name: (name != BASELINE, name))
    shape = {"figsize": (4 * len(sizes) + 1, 4.6), "sharey": True, "layout": "constrained"}
    figure, axes = plt.subplots(1, len(sizes), **shape)
    for axis, size in zip(axes, sizes, strict=True):
        found = np.array(
            [
                [numbers(rows, "importance", target=t, n_train=size, proxy=n).mean() for n in names]
                for t in STUDIED
            ]
        )
        shares = np.maximum(found, 0) / np.maximum(found, 0).sum(axis=1, keepdims=True)
        picture = axis.imshow(shares, cmap="viridis", vmin=0, vmax=0.6, aspect="auto")
        axis.set_title(f"N = {size}")
        axis.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
    axes[0].set_yticks(range(len(STUDIED)), [short(t) for t in STUDIED], fontsize=8)
    figure.colorbar(picture, ax=axes, label="share of the permutation importance")
    figure.savefig(HERE / "importance.png", dpi=100)


if __name__ == "__main__":
    main()
