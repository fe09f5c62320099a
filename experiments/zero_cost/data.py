"""The cells that have all published proxy scores, and what was measured of them."""

from functools import cache

import numpy as np

from surrobust.benchmark import TARGETS
from surrobust.sessions.ranking import combination_key, fit_combination, training_targets
from surrobust.tables import load_proxy_columns, load_table


class Data:
    """Representatives by ascending index, ``numbers`` of proxies ``(n, columns)``, values."""

    def __init__(self) -> None:
        names, scores = load_proxy_columns()
        tables = [load_table(name) for name in sorted({t.split("/")[0] for t in TARGETS})]
        cells = list(tables[0].architectures)
        every = scores[[cell.index for cell in cells]]
        kept = np.isfinite(every).all(axis=1)
        self.columns, self.numbers = list(names), every[kept]
        self.cells = [cell for cell, keep in zip(cells, kept, strict=True) if keep]
        self.values = {t: table.values(t)[kept] for table in tables for t in table.targets}

    def combine(self, target: str, rows: np.ndarray) -> np.ndarray:
        """Return scores of all cells by a combination fitted on ``rows`` and other image sets."""
        key = combination_key(target)
        known = {name: self.values[name][rows] for name in training_targets(key)}
        return fit_combination(key, self.columns, self.numbers[rows], known).score(self.numbers)


@cache
def load_data() -> Data:
    return Data()


def short(target: str) -> str:
    benchmark, images, metric = target.split("/")
    return f"{'R' if benchmark.startswith('nas') else 'J'} {images} {metric}"
