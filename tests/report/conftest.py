"""A search and verification records to report on."""

from typing import Any

import pytest

from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import Architecture

TARGET = "nas-robbench-201/cifar10/pgd-8"


@pytest.fixture
def result() -> SearchResult:
    """A search of seven evaluations, whose best is the fourth."""
    values = [0.31, 0.28, 0.35, 0.41, 0.2, 0.4, 0.405]
    cells = [Architecture.parse(i).representative for i in (10, 11, 12, 13, 14, 15, 16)]
    evaluations = tuple(
        Evaluation(cell, value, trial, "table")
        for trial, (cell, value) in enumerate(zip(cells, values, strict=True))
    )
    return SearchResult(TARGET, "table", "random", 10, 3, evaluations)


@pytest.fixture
def record() -> dict[str, Any]:
    """A verification record."""
    cell = Architecture.parse(2581)
    return {
        "architecture": cell.genotype,
        "index": 2581,
        "images": "digits",
        "recipe": "smoke",
        "seed": 0,
        "device": "cpu",
        "versions": {"surrobust": "0.1.0", "torch": "2.13.0"},
        "train": {"epochs": 6, "channels": 8, "loss": 0.2, "alarms": 0, "seconds": 5.25},
        "accuracy": {"clean": 0.96, "pgd-8": 0.93},
        "intervals": {"clean": [0.94, 0.98], "pgd-8": [0.9, 0.95]},
        "n_test": 360,
        "started": "2026-11-21T08:51:15+00:00",
        "commit": "4c0d371bca47",
    }
