"""Our proxy scores beside the published ones, and beside what networks reach once trained.

python experiments/proxies/run.py            # results.csv, agreement.csv, figures, tables in README
python experiments/proxies/run.py --smoke    # the same to a temporary folder, few bootstraps

Reads data/proxies.csv.gz and the published tables (surrobust data fetch).
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from surrobust.benchmark import TARGETS
from surrobust.metrics import kendall_tau, spearman_rho
from surrobust.proxies import score_proxies
from surrobust.spaces import Architecture
from surrobust.tables import load_proxy_columns, load_proxy_scores, load_table

HERE = Path(__file__).parent
ATTACKS = ("fgsm", "pgd", "apgd-ce", "square")
GRID = ("0.1", "0.5", "1", "2", "3", "4", "8")
TRAINED = ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8")
KERNELS = ("ntk_clean", "ntk_robust", "ntk_robust_twice")
STATISTICS = ("min_eigenvalue", "frobenius", "condition")
FIRST = "params"
PAIRS = [
    *(
        (f"{kernel}{ending}", f"ntk_clean{ending}", TARGETS[0])
        for ending in ("", "-frobenius", "-condition")
        for kernel in KERNELS[1:]
    ),
    *(("certified_bound", FIRST, target) for target in TARGETS[:2]),
    *(("nwot", FIRST, target) for target in TARGETS[:4]),
]
SAME = "params, cells of the costly ones"


def correlate(a: np.ndarray, b: np.ndarray, boots: int) -> dict[str, float]:
    """Spearman, its bootstrap deviation, Kendall, and on how many cells."""
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return {"n": len(a), "spearman": np.nan, "sd": np.nan, "kendall": np.nan}
    spread = np.std(bootstrap(a, b, boots), ddof=1)
    return {
        "n": len(a),
        "spearman": spearman_rho(a, b),
        "sd": float(spread),
        "kendall": kendall_tau(a, b),
    }


def bootstrap(a: np.ndarray, b: np.ndarray, boots: int) -> np.ndarray:
    """Spearman of cells drawn with replacement, ``(boots,)``, the same draws for equal lengths."""
    draws = np.random.default_rng(0).integers(len(a), size=(boots, len(a)))
    x, y = (rankdata(values[draws], axis=1) for values in (a, b))
    x, y = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (x, y))
    return (x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1))


def table_of_pairs(scores: pd.DataFrame, boots: int) -> str:
    """How much better than another a proxy ranks, sign apart, on the same cells."""
    table = load_table("nas-robbench-201").to_frame().reindex(scores.index)
    rows = []
    for proxy, other, target in PAIRS:
        known = scores[proxy].notna() & scores[other].notna()
        a, b, y = (v[known].to_numpy() for v in (scores[proxy], scores[other], table[target]))
        signs = [np.sign(spearman_rho(values, y)) for values in (a, b)]
        gain = signs[0] * spearman_rho(a, y) - signs[1] * spearman_rho(b, y)
        drawn = signs[0] * bootstrap(a, y, boots) - signs[1] * bootstrap(b, y, boots)
        told = f"{gain:+.3f} ± {drawn.std(ddof=1):.3f}"
        rows.append([proxy, other, target.partition("/")[2], int(known.sum()), told])
    return markdown(["proxy", "beside", "target", "n", "gain in Spearman's size"], rows)


def measure(scores: pd.DataFrame, boots: int) -> pd.DataFrame:
    """Correlate every column with every target that is asked for."""
    grid = [f"jung2023/cifar10/{attack}-{e}" for attack in ATTACKS for e in GRID]
    trained = [f"nas-robbench-201/cifar10/{metric}" for metric in TRAINED]
    tables = {name: load_table(name).to_frame() for name in ("nas-robbench-201", "jung2023")}
    rows = []
    for target in dict.fromkeys([*TARGETS, *grid, *trained, "jung2023/cifar10/clean"]):
        y = tables[target.split("/")[0]][target].reindex(scores.index).to_numpy()
        for name in scores:
            found = correlate(scores[name].to_numpy(), y, boots if target in TARGETS else 2)
            rows.append({"proxy": name, "target": target, **found})
    return pd.DataFrame(rows)


def compare(scores: pd.DataFrame, boots: int) -> pd.DataFrame:
    """Correlate our scores with the published ones."""
    names, published = load_proxy_columns()
    rows = []
    for name in names:
        theirs = published[scores.index, names.index(name)]
        ours = scores[name].to_numpy()
        known = np.isfinite(theirs) & np.isfinite(ours)
        exact = bool(np.allclose(ours[known], theirs[known], rtol=1e-6))
        rows.append({"proxy": name, "exact": exact, **correlate(ours, theirs, boots)})
    return pd.DataFrame(rows)


def convolution_ties(scores: pd.DataFrame, cells: int) -> str:
    """How far the published l2_norm, and ours, are a count of convolutions plus noise."""
    names, published = load_proxy_columns()
    theirs = published[scores.index, names.index("l2_norm")]
    known = np.isfinite(theirs)
    theirs, ours, index = theirs[known], scores["l2_norm"].to_numpy()[known], scores.index[known]
    ops = [Architecture.parse(int(one)).ops for one in index]
    count = np.array([one.count(2) + one.count(3) for one in ops])
    shares = [np.corrcoef(values, count)[0, 1] ** 2 for values in (ours, theirs)]
    within = [
        spearman_rho(ours[count == n], theirs[count == n])
        for n in np.unique(count)
        if (count == n).sum() > 20
    ]
    options = {"batch_size": 2, "device": "cpu"}
    again = score_proxies(index[:cells], ["l2_norm"], seed=1, **options)["l2_norm"].to_numpy()
    return (
        f"{shares[0]:.5f} of the variance of ours and {shares[1]:.5f} of the published one is the "
        f"number of convolutions; among cells of equal number ours and theirs have Spearman "
        f"{np.mean(within):.3f} ± {np.std(within, ddof=1):.3f} (over {len(within)} numbers), and "
        f"ours with another seed has {spearman_rho(ours[:cells], again):.4f} with ours (n = "
        f"{len(again)}): the ranking among ties is the weights' noise, and "
        "no second run reaches .95"
    )


def markdown(head: list[str], rows: list[list[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def table_of_targets(results: pd.DataFrame) -> str:
    short = {"nas-robbench-201": "rob", "jung2023": "jung"}
    heads = ["/".join([short[t.split("/")[0]], *t.split("/")[1:]]) for t in TARGETS]
    rows = []
    for name in results["proxy"].unique():
        mine = results[results["proxy"] == name].set_index("target").loc[list(TARGETS)]
        cells = [
            f"{row['spearman']:.3f} ± {row['sd']:.3f} ({row['kendall']:.2f})"
            for _, row in mine.iterrows()
        ]
        rows.append([name, mine["n"].iloc[0], *cells])
    return markdown(["proxy", "n", *heads], rows)


def table_of_agreement(agreement: pd.DataFrame, ties: str) -> str:
    rows = [
        [row.proxy, row.n, f"{row.spearman:.4f} ± {row.sd:.4f}", f"{row.kendall:.4f}",
         "yes" if row.exact else "no"]
        for row in agreement.itertuples()
    ]  # fmt: skip
    table = markdown(["proxy", "n", "Spearman ± sd", "Kendall", "equal to six digits"], rows)
    return f"{table}\n\n`l2_norm`: {ties}."


def table_of_kernels(results: pd.DataFrame) -> str:
    indexed = results.set_index(["proxy", "target"])
    named = [
        (statistic, kernel, kernel if statistic == STATISTICS[0] else f"{kernel}-{statistic}")
        for statistic in STATISTICS
        for kernel in KERNELS
    ]
    rows = []
    for statistic, kernel, name in [*named, ("parameter count", "–", SAME)]:
        found = [indexed.loc[(name, f"nas-robbench-201/cifar10/{m}")] for m in TRAINED]
        rows.append(
            [statistic, kernel, int(found[0]["n"]), *(f"{row['spearman']:.3f}" for row in found)]
        )
    return markdown(["statistic", "kernel", "n", *TRAINED], rows)


def table_of_epsilons(results: pd.DataFrame) -> str:
    indexed = results.set_index(["proxy", "target"])["kendall"]
    rows = [
        [proxy, attack, *(f"{indexed[proxy, f'jung2023/cifar10/{attack}-{e}']:.3f}" for e in GRID)]
        for proxy in ("jacobian_norm", "hessian_eigenvalue", SAME)
        for attack in ATTACKS
    ]
    return markdown(["proxy", "attack", *(f"ε = {e}/255" for e in GRID)], rows)


def table_of_seconds() -> str:
    """Processor seconds per cell: each proxy alone, and the plain loop, from seconds.csv."""
    rows = []
    for row in pd.read_csv(HERE / "seconds.csv").itertuples():
        plain = "" if pd.isna(row.plain) else f"{row.plain:.2f}"
        rows.append([row.set, row.what, f"{row.mean:.2f} ± {row.sd:.2f}", plain])
    return markdown(["set", "what", "ours ± sd", "plain loop"], rows)


def draw(results: pd.DataFrame, folder: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    indexed = results.set_index(["proxy", "target"])
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True)
    for axis, proxy in zip(axes, ("jacobian_norm", "hessian_eigenvalue", SAME), strict=True):
        for attack in ATTACKS:
            values = [
                indexed.loc[(proxy, f"jung2023/cifar10/{attack}-{e}"), "kendall"] for e in GRID
            ]
            axis.plot(range(len(GRID)), values, marker="o", label=attack)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set(
            title=f"{proxy} (n = {indexed.loc[(proxy, TARGETS[0]), 'n']})", xlabel="epsilon · 255"
        )
        axis.set_xticks(range(len(GRID)), GRID)
    axes[0].set_ylabel("Kendall with accuracy\n(standard training)")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / "epsilon.png", dpi=110)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), sharey=True)
    for axis, statistic in zip(axes, STATISTICS, strict=True):
        for place, kernel in enumerate(KERNELS):
            name = kernel if statistic == STATISTICS[0] else f"{kernel}-{statistic}"
            rows = [
                indexed.loc[(name, f"nas-robbench-201/cifar10/{m}"), "spearman"] for m in TRAINED
            ]
            axis.bar(np.arange(len(TRAINED)) + (place - 1) * 0.27, rows, 0.25, label=kernel)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set_title(f"{statistic} (n = {indexed.loc[(KERNELS[0], TARGETS[0]), 'n']})")
        axis.set_xticks(range(len(TRAINED)), TRAINED, rotation=40, ha="right")
    axes[0].set_ylabel("Spearman with accuracy\n(adversarial training)")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / "kernels.png", dpi=110)


def write_tables(readme: Path, tables: dict[str, str]) -> None:
    text = readme.read_text()
    for name, table in tables.items():
        pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
        text = re.sub(pattern, lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)
    readme.write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    given = parser.parse_args()
    boots = 3 if given.smoke else 500
    folder = Path(tempfile.mkdtemp()) if given.smoke else HERE
    scores = load_proxy_scores()
    scores.insert(1, SAME, scores[FIRST].where(scores["jacobian_norm"].notna()))
    agreement = compare(scores, boots)
    agreement.to_csv(folder / "agreement.csv", index=False, float_format="%.5f")
    results = measure(scores, boots)
    results.to_csv(folder / "results.csv", index=False, float_format="%.5f")
    draw(results, folder)
    tables = {
        "agreement": table_of_agreement(
            agreement, convolution_ties(scores, 10 if given.smoke else 200)
        ),
        "targets": table_of_targets(results),
        "epsilons": table_of_epsilons(results),
        "kernels": table_of_kernels(results),
        "pairs": table_of_pairs(scores, boots),
        "seconds": table_of_seconds(),
    }
    if given.smoke:
        print("\n\n".join(tables.values()))
    else:
        write_tables(HERE / "README.md", tables)


if __name__ == "__main__":
    main()
