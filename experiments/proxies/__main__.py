"""What do our proxy scores of untrained networks tell of what networks reach once trained?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np

from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import NOTHING, table
from experiments.proxies.correlations import SAME, correlate, load_scores
from surrobust.benchmark import TARGETS
from surrobust.tables import load_table

ATTACKS = ("fgsm", "pgd", "apgd-ce", "square")
GRID = ("0.1", "0.5", "1", "2", "3", "4", "8")
TRAINED = tuple(
    f"nas-robbench-201/cifar10/{metric}"
    for metric in ("clean", "fgsm-3", "pgd-3", "fgsm-8", "pgd-8", "autoattack-8")
)
SMOOTHNESS = ("jacobian_norm", "hessian_eigenvalue", SAME)
KERNELS = ("ntk_clean", "ntk_robust", "ntk_robust_twice")
STATISTICS = {"min_eigenvalue": "", "frobenius": "-frobenius", "condition": "-condition"}
"""Of a kernel, with the ending of its column."""
EVERY = tuple(
    dict.fromkeys(
        [
            *TARGETS,
            *(f"jung2023/cifar10/{attack}-{e}" for attack, e in product(ATTACKS, GRID)),
            *TRAINED,
            "jung2023/cifar10/clean",
        ]
    )
)


@dataclass(frozen=True)
class Row:
    proxy: str
    target: str
    n: int
    spearman: Annotated[Number, ".5f", ""]
    sd: Annotated[Number, ".5f", ""]
    kendall: Annotated[Number, ".5f", ""]


def keys(targets: tuple[str, ...] = EVERY) -> Iterator[Key]:
    yield from ((target,) for target in targets)


def measure(target: str, *, boots: int = 500) -> Iterator[Row]:
    """Correlate every column of scores with a target; deviations are shown of some only."""
    scores = load_scores()
    values = load_table(target.split("/")[0]).to_frame()[target].reindex(scores.index).to_numpy()
    for name in scores:
        found = correlate(scores[name].to_numpy(), values, boots if target in TARGETS else 2)
        yield Row(name, target, *found)


def tables(rows: list[Row]) -> Mapping[str, Lines]:
    known = {(row.proxy, row.target): row for row in rows}
    return {
        "targets": _targets(known),
        "epsilons": _epsilons(known),
        "kernels": _kernels(known),
    }


Known = Mapping[tuple[str, str], Row]


def _targets(known: Known) -> Lines:
    short = {"nas-robbench-201": "rob", "jung2023": "jung"}
    parts = (target.split("/") for target in TARGETS)
    heads = ["/".join([short[home], *rest]) for home, *rest in parts]
    body = []
    for name in dict.fromkeys(proxy for proxy, _ in known):
        mine = [known[name, target] for target in TARGETS]
        cells = (f"{row.spearman:.3f} ± {row.sd:.3f} ({row.kendall:.2f})" for row in mine)
        body.append([name, mine[0].n, *cells])
    return table(["proxy", "n", *heads], body, rule=" --- ")


def _epsilons(known: Known) -> Lines:
    body = [
        [proxy, attack, *(f"{value:.3f}" for value in over_epsilon(known, proxy, attack))]
        for proxy, attack in product(SMOOTHNESS, ATTACKS)
    ]
    return table(["proxy", "attack", *(f"ε = {e}/255" for e in GRID)], body, rule=" --- ")


def over_epsilon(known: Known, proxy: str, attack: str) -> list[float]:
    return [known[proxy, f"jung2023/cifar10/{attack}-{e}"].kendall for e in GRID]


def _kernels(known: Known) -> Lines:
    named = [
        (statistic, kernel, kernel + ending)
        for (statistic, ending), kernel in product(STATISTICS.items(), KERNELS)
    ]
    body = []
    for statistic, kernel, name in [*named, ("parameter count", NOTHING, SAME)]:
        found = [known[name, target] for target in TRAINED]
        body.append([statistic, kernel, found[0].n, *(f"{row.spearman:.3f}" for row in found)])
    metrics = (target.split("/")[-1] for target in TRAINED)
    return table(["statistic", "kernel", "n", *metrics], body, rule=" --- ")


def plot_epsilons(rows: list[Row], path: Path) -> None:
    """Draw Kendall over epsilon, a panel a proxy."""
    from matplotlib.figure import Figure

    known = {(row.proxy, row.target): row for row in rows}
    figure = Figure(figsize=(11, 3.4))
    axes = figure.subplots(1, len(SMOOTHNESS), sharey=True)
    for axis, proxy in zip(axes, SMOOTHNESS, strict=True):
        for attack in ATTACKS:
            values = over_epsilon(known, proxy, attack)
            axis.plot(range(len(GRID)), values, marker="o", label=attack)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set(title=f"{proxy} (n = {known[proxy, TARGETS[0]].n})", xlabel="epsilon · 255")
        axis.set_xticks(range(len(GRID)), GRID)
    axes[0].set_ylabel("Kendall with accuracy\n(standard training)")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def plot_kernels(rows: list[Row], path: Path) -> None:
    """Draw Spearman of kernels by metric, a panel a statistic."""
    from matplotlib.figure import Figure

    known = {(row.proxy, row.target): row for row in rows}
    figure = Figure(figsize=(11, 3.4))
    axes = figure.subplots(1, len(STATISTICS), sharey=True)
    for axis, (statistic, ending) in zip(axes, STATISTICS.items(), strict=True):
        for place, kernel in enumerate(KERNELS):
            values = [known[kernel + ending, target].spearman for target in TRAINED]
            axis.bar(np.arange(len(TRAINED)) + (place - 1) * 0.27, values, 0.25, label=kernel)
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set_title(f"{statistic} (n = {known[KERNELS[0], TARGETS[0]].n})")
        metrics = [target.split("/")[-1] for target in TRAINED]
        axis.set_xticks(range(len(TRAINED)), metrics, rotation=40, ha="right")
    axes[0].set_ylabel("Spearman with accuracy\n(adversarial training)")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


experiment = Experiment(
    __doc__,
    Path(__file__).with_name("results.csv"),
    Row,
    keys,
    measure,
    tables,
    {"epsilon.png": plot_epsilons, "kernels.png": plot_kernels},
    smoke={"boots": 3},
    order=lambda row: EVERY.index(row.target),
)

if __name__ == "__main__":
    experiment.main()
