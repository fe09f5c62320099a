"""The laws are published: they need pytest alone, and the documentation's variants obey them."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from documentation import blocks

import surrobust.testing

PAGE = Path(__file__).parents[2] / "docs" / "own-variant.md"
LAWS = [getattr(surrobust.testing, name) for name in surrobust.testing.__all__]


def laws_of(cls: type) -> list[str]:
    return [name for name in vars(cls) if name.startswith("test_")]


def test_the_page_as_a_file_of_tests_passes(tmp_path: Path) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text("\n".join(block.text for block in blocks(PAGE.read_text(), "python")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed >= sum(len(laws_of(getattr(surrobust.testing, f"{n}Laws"))) for n in KINDS)


KINDS = ("Search", "Predictor")


def test_a_broken_law_is_told_by_its_name_with_its_numbers(tmp_path: Path) -> None:
    file = tmp_path / "test_mine.py"
    file.write_text(
        "from surrobust.searches import RandomSearch\n"
        "from surrobust.testing import SearchLaws\n"
        "class TestMine(SearchLaws):\n"
        "    def make(self, space, **options):\n"
        "        return RandomSearch(space, **{**options, 'seed': 3})\n"
    )
    law = "test_the_same_seed_asks_the_same_and_another_seed_others"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", law, str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"TestMine::{law}" in done.stdout
    assert re.search(r"assert \[Architecture\(.* != \[Architecture\(", done.stdout)


@pytest.mark.parametrize("laws", LAWS)
def test_every_law_says_what_it_demands(laws: type) -> None:
    assert len(laws_of(laws)) >= 10
    for name in laws_of(laws):
        assert inspect.getdoc(getattr(laws, name)), name


def test_nothing_else_needs_pytest() -> None:
    code = (
        "import pkgutil, sys, importlib, surrobust;"
        "names = [m.name for m in pkgutil.iter_modules(surrobust.__path__)];"
        "[importlib.import_module(f'surrobust.{n}') for n in names if n not in"
        " ('testing', '__main__')];"
        "assert 'pytest' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
