"""README's tables, and the files they are made of, are what the experiments write."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from experiments.frame import Experiment

ROOT = Path(__file__).parents[2]
READ_TABLES = {"prior", "search"}
"""Folders whose reports read the benchmark tables."""
IN_ANOTHER_ORDER = {"errors/results.csv", "r2/results.csv", "predictors/peers_runs.csv"}
"""Files that were put together of several; the next measurement sorts them."""


def experiments(folder: str) -> Iterator[Experiment]:
    for path in sorted((ROOT / "experiments" / folder).glob("*.py")):
        if "experiment = Experiment(" in path.read_text():
            yield import_module(f"experiments.{folder}.{path.stem}").experiment


def test_readme_has_the_tables_of_the_committed_results(
    folder: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    if folder in READ_TABLES:
        monkeypatch.setenv("SURROBUST_DATA", str(request.getfixturevalue("data_dir")))
    readme = ROOT / "experiments" / folder / "README.md"
    page, made = readme.read_text(encoding="utf-8"), {}
    for experiment in experiments(folder):
        tables = experiment.made(experiment.rows())
        assert experiment.current(tables) == tables, f"python -m experiments.{folder} --report"
        made |= tables
    assert set(re.findall("<!-- (.*): begin -->", page)) == set(made)


def test_written_again_the_results_are_the_same(folder: str):
    for experiment in experiments(folder):
        place = f"{folder}/{experiment.out.name}"
        if experiment.out.exists() and place not in IN_ANOTHER_ORDER:
            assert experiment.text(experiment.rows()) == experiment.out.read_text(encoding="utf-8")
