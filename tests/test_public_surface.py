"""What ``import surrobust`` gives, and what it must not load."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from itertools import pairwise
from types import ModuleType

import pytest

import surrobust


@pytest.mark.parametrize("name", surrobust.__all__)
def test_every_public_name_resolves(name: str):
    assert getattr(surrobust, name) is not None
    assert name in dir(surrobust)


SAFE = {"count_flops", "count_parameters", "draw_genotype", "suggest_architecture"}
"""Functions of what was checked before, which raise nothing of their own."""


@pytest.mark.parametrize("name", sorted(set(surrobust.__all__) - {"__version__"}))
def test_docstrings_tell_what_goes_in_and_what_comes_out(name: str):
    value = getattr(surrobust, name)
    if not inspect.isclass(value) and not inspect.isfunction(value):
        home = importlib.import_module(f"surrobust.{surrobust._HOMES[name]}")
        assert _docstring_of_constant(home, name)
        return
    text = inspect.getdoc(value)
    assert text
    is_error = inspect.isclass(value) and issubclass(value, Exception)
    arguments = [] if is_error else list(inspect.signature(value).parameters)
    if arguments:
        told = re.findall(r"^    \*{0,2}(\w+): ", text.partition("Args:\n")[2], flags=re.MULTILINE)
        assert [one for one in arguments if one not in told] == []
    if inspect.isfunction(value):
        assert text.startswith("Return ") or "\nReturns:\n" in text
        assert not arguments or name in SAFE or "\nRaises:\n" in text


def _docstring_of_constant(home: ModuleType, name: str) -> str:
    """Return the string below the assignment of a name, where a package may only pass it on."""
    body = ast.parse(inspect.getsource(home)).body
    for statement, following in pairwise(body):
        if isinstance(statement, ast.ImportFrom) and name in [one.name for one in statement.names]:
            inner = importlib.import_module(f"{home.__name__}.{statement.module}")
            return _docstring_of_constant(inner, name)
        targets = getattr(statement, "targets", [getattr(statement, "target", None)])
        if name in [getattr(target, "id", None) for target in targets]:
            value = getattr(following, "value", None)
            return value.value if isinstance(value, ast.Constant) else ""
    return ""


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
