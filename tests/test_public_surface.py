"""What ``import surrobust`` gives, and what it must not load."""

import subprocess
import sys

import pytest

import surrobust


@pytest.mark.parametrize("name", surrobust.__all__)
def test_every_public_name_resolves(name: str):
    assert getattr(surrobust, name) is not None
    assert name in dir(surrobust)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        surrobust.nothing  # noqa: B018


def test_import_loads_nothing_heavy():
    code = "import sys, surrobust; print(*sorted(m for m in sys.modules if '.' not in m))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    modules = set(loaded.stdout.split())
    assert not modules & {"torch", "xgboost", "sklearn", "scipy", "pandas", "optuna", "numpy"}


def test_search_stays_a_function_whatever_was_imported_before():
    code = (
        "import surrobust, surrobust.searches, surrobust.objectives;"
        "assert callable(surrobust.search), surrobust.search"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
