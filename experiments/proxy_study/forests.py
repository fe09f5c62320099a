"""What the forests learn from: scores of cells, and draws of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import product
from typing import Any

import numpy as np

from experiments.frame import Key
from surrobust.benchmark import TARGETS, split
from surrobust.metrics import r2_score
from surrobust.spaces import representatives_by_index
from surrobust.tables import load_proxy_columns, load_proxy_scores, load_table

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

BASELINE = "params"
REPEATS, SHOWN = 5, 1000


def keys(
    scores: tuple[str, ...] = ("published", "own"),
    targets: tuple[str, ...] = STUDIED,
    sizes: tuple[int, ...] = (32, 128, 1024),
    seeds: tuple[int, ...] = tuple(range(5)),
) -> Iterator[Key]:
    """Yield draws of no more than half of the cells that were scored."""
    for kind, seed, target, size in product(scores, seeds, targets, sizes):
        if size <= len(read_scores(kind)[0]) // 2:
            yield kind, target, size, seed


@cache
def read_scores(kind: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Indices of the representatives that were scored, names of scores, and these, ``(n, p)``.

    Where a proxy failed on a cell its score is NaN, which the forest takes as it is.
    """
    if kind == "own":
        frame = load_proxy_scores()
        # Costly proxies are known of few cells: a forest of them would be another question.
        frame = frame.loc[:, frame.notna().sum() > 0.5 * len(frame)].sort_index()
        return frame.index.to_numpy(), list(frame), frame.to_numpy()
    names, table = load_proxy_columns()
    # Without scores: cells with dead branches. An isomorphic cell may be one without.
    scored = np.flatnonzero(np.isfinite(table).any(axis=1))
    indices, firsts = np.unique(np.array(representatives_by_index())[scored], return_index=True)
    order = sorted(range(len(names)), key=lambda j: names[j])
    return indices, [names[j] for j in order], table[scored[firsts]][:, order]


@dataclass(frozen=True)
class Draw:
    """N cells to learn a target from; the others are tested on."""

    scores: str
    target: str
    n_train: int
    seed: int
    trees: int

    @property
    def names(self) -> list[str]:
        return read_scores(self.scores)[1]

    @cached_property
    def _cells(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        indices, _, x = read_scores(self.scores)
        frame = load_table(self.target.split("/")[0]).to_frame()
        y = frame[self.target].loc[indices].to_numpy()
        return x, y, *split(len(y), n_train=self.n_train, seed=self.seed)

    def fit(self, columns: list[int]) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        x, y, train, _ = self._cells
        forest = RandomForestRegressor(self.trees, random_state=self.seed)
        return forest.fit(x[np.ix_(train, columns)], y[train])

    def held_out(self, columns: list[int]) -> tuple[np.ndarray, np.ndarray]:
        x, y, _, test = self._cells
        return x[np.ix_(test, columns)], y[test]

    @cached_property
    def importances(self) -> np.ndarray:
        """Loss of R2 on held-out cells when one column is shuffled, mean over REPEATS, ``(p,)``.

        Breiman, "Random forests" (Machine Learning 45, 2001), section 10.
        """
        whole = list(range(len(self.names)))
        forest, (x, y) = self.fit(whole), self.held_out(whole)
        x, y = x[:SHOWN], y[:SHOWN]
        rng = np.random.default_rng(self.seed)
        n, p = x.shape
        shuffled = np.tile(x, (p, REPEATS, 1, 1))
        for j, r in product(range(p), range(REPEATS)):
            shuffled[j, r, :, j] = x[rng.permutation(n), j]
        predicted = forest.predict(shuffled.reshape(-1, p)).reshape(p, REPEATS, n)
        best = r2_score(y, forest.predict(x))
        return np.array([best - np.mean([r2_score(y, one) for one in many]) for many in predicted])


def short(target: str) -> str:
    for long, brief in (
        ("nas-robbench-201", "rob"),
        ("jung2023", "jung"),
        ("imagenet16-120", "in16"),
    ):
        target = target.replace(long, brief)
    return target
