"""The house as CONTRIBUTING draws it: floors, folders, words."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "surrobust"

SAME_ON_PURPOSE = {"read", "read_official", "to_markdown"}
"""What every published table, every leaderboard offers."""


def floors() -> list[list[str]]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (layers,) = (
        c["layers"] for c in document["tool"]["importlinter"]["contracts"] if "layers" in c
    )
    return [layer.split(" | ") for layer in layers]


def test_contributing_draws_the_floors_that_are_checked():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    drawn = text.split("<!-- floors: begin -->")[1].split("<!-- floors: end -->")[0]
    rows = [line.split("|")[1] for line in drawn.strip().splitlines()[2:]]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == floors()


def test_every_folder_says_what_it_is_and_holds_what_can_be_surveyed():
    folders = [path.parent for path in PACKAGE.glob("*/**/__init__.py")]
    assert len(folders) > 30
    for folder in folders:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text())), folder
        assert 3 <= len(list(folder.glob("*.py"))) <= 13, folder


def public_names() -> Iterator[tuple[str, str]]:
    for path in PACKAGE.rglob("*.py"):
        if path.parent.name == "commands":  # named as what they call
            continue
        for node in ast.parse(path.read_text()).body:
            is_thing = isinstance(node, ast.ClassDef | ast.FunctionDef)
            if is_thing and not node.name.startswith("_"):
                yield node.name, str(path.relative_to(PACKAGE))


def test_a_name_is_one_thing():
    homes = defaultdict(list)
    for name, home in public_names():
        homes[name].append(home)
    assert len(homes) > 500
    assert {name for name, found in homes.items() if len(found) > 1} == SAME_ON_PURPOSE
