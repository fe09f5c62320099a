"""The examples that ``--help`` shows, run as they are shown."""

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from surrobust.cli import tree as commands
from surrobust.searches import Evaluation, SearchResult
from surrobust.spaces import Architecture
from surrobust.tables import append_record, list_sources
from surrobust.targets import DEFAULT_TARGET

Run = Callable[..., tuple[int, str, str]]


def examples() -> list[str]:
    """Return every example line of every command's help, each once."""
    found = re.findall(r"surrobust (.*)", commands.root.epilog or "")
    for name in commands.COMMANDS:
        command = commands.root.get_command(None, name)
        for one in [command, *getattr(command, "commands", {}).values()]:
            found += re.findall(r"surrobust (.*)", one.epilog or "")
    return list(dict.fromkeys(found))


NETWORK = ("data fetch", "data import")
"""Examples that begin so need the network or what only the authors distribute."""


def write_runs(folder: Path) -> None:
    """Write a search and a verification record, for the examples that read them."""
    cell = Architecture.parse(2581)
    evaluation = Evaluation(cell, 0.4811, 0, "table")
    SearchResult(DEFAULT_TARGET, "table", "random", 1, 0, (evaluation,)).write(folder)
    record = {"architecture": cell.genotype, "index": 2581, "images": "digits", "recipe": "smoke"}
    record |= {"seed": 0, "device": "cpu", "versions": {}, "train": {}, "accuracy": {"clean": 0.9}}
    append_record(folder / "verified.jsonl", {**record, "n_test": 360, "started": "2026-11-21"})


@pytest.mark.tables
@pytest.mark.usefixtures("toy_shipped")
@pytest.mark.parametrize("line", [e for e in examples() if not e.startswith(NETWORK)])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_an_example_does_what_it_says(
    run_cli: Run,
    data_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toy_cells: list[Architecture],
    line: str,
    as_json: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SURROBUST_DATA", str(data_dir))
    rows = [f"{cell.index},{0.01 * cell.ops.count(3)}" for cell in toy_cells]
    (tmp_path / "cells.csv").write_text("architecture\n2581\n1000\n")
    (tmp_path / "values.csv").write_text("\n".join(["architecture,value", *rows]))
    write_runs(tmp_path / "runs" / "first")
    arguments = shlex.split(line)
    if as_json and "--json" not in arguments:
        arguments.append("--json")
    code, out, err = run_cli(arguments)
    assert code == 0, err
    assert out
    if "--json" in arguments:
        json.loads(out)


@pytest.mark.tables
@pytest.mark.parametrize("line", [e for e in examples() if e.startswith("data fetch")])
def test_an_example_of_fetch(
    run_cli: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """The files are in the cache already, so that nothing is downloaded."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for source in list_sources():
        place = tmp_path / "surrobust" / source.path
        place.parent.mkdir(parents=True, exist_ok=True)
        if os.name == "posix":
            place.symlink_to(data_dir / source.path)
        else:
            shutil.copy(data_dir / source.path, place)
    code, out, err = run_cli(shlex.split(line))
    assert (code, err) == (0, "")
    assert all(Path(path).is_file() for path in out.split())
