"""What a command imports: start-up is most of the time that a prediction takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from surrobust.predictors.shipped import list_predictors

ROOT = Path(__file__).parents[2]

HEAVY = ("torch", "torch_geometric", "optuna", "xgboost", "sklearn", "pandas", "scipy", "rich")
"""Packages whose import takes long; xgboost brings sklearn, pandas, scipy and rich with it."""


def imported(arguments: list[str], env: dict[str, str] | None = None) -> set[str]:
    """Return which of the heavy packages a command has imported when it is done."""
    script = (
        "import json, sys; from surrobust.cli import main; code = main(sys.argv[1:]); "
        f"print(json.dumps([code, sorted(set(sys.modules) & set({HEAVY}))]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        timeout=120,
        check=True,
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["convert", "2581"], ["predict", "--help"], ["search", "--help"]],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    assert imported(arguments) == set()


def test_cards_are_read_without_the_models(toy_models: Path) -> None:
    assert imported(["models", "show", str(toy_models / "jung2023-v1")]) == set()


def test_predict_imports_what_the_model_needs_and_no_more(toy_models: Path) -> None:
    names = imported(["predict", "2581", "--predictor", str(toy_models / "jung2023-v1")])
    assert not names & {"torch", "torch_geometric", "optuna"}
    assert "xgboost" in names


def test_predict_with_the_shipped_predictor_imports_no_torch() -> None:
    assert list_predictors()
    assert not imported(["predict", "2581"]) & {"torch", "torch_geometric", "optuna"}


@pytest.mark.tables
def test_a_random_search_of_a_table_imports_nothing_heavy(data_dir: Path) -> None:
    arguments = ["search", "--objective", "table", "--strategy", "random", "--budget", "2"]
    assert imported(arguments, {"SURROBUST_DATA": str(data_dir)}) == set()
