"""Texts that are tried as paths and can be none, and what is no regular file."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from surrobust.spaces import Architecture

Refused = Callable[..., str]
Run = Callable[..., tuple[int, str, str]]

VALUES = "architecture,value\n2581,0.5\n1000,0.4\n7,0.3\n"

IMPOSSIBLE = {
    "long": "a" * 300,
    "long name": "a" * 300 + ".json",
    "long path": "a/" * 5000,
    "json": json.dumps({"edges": Architecture.parse(2581).edges, "note": "x" * 300}),
    "nul": "a\0b",
    "surrogate": "a\ud800b",
    "nobody": "~no-such-user-as-this/x",
    "loop": "loop",
    "below a file": "own.csv/x",
    "pipe": "pipe",
    "pipe.csv": "pipe.csv",
    "pipe.json": "pipe.json",
    "device": "/dev/zero",
}
SEARCH = "search --budget 2 --strategy random --objective surrogate"
COMMANDS = {
    # command and option, before the path
    "data": "fit --predictor xgboost --out model --data",
    "columns": "fit --data own.csv --predictor xgboost --out model --columns",
    "fitted": "fit --data own.csv --predictor xgboost --out",
    "predictor": "predict 1 --predictor",
    "report": "report",
    "explored": "explore --out e.html --search",
    "images": "proxies 1 --proxy snip --images",
    "verified images": "verify 1 --recipe smoke --images",
    "storage": f"{SEARCH} --storage",
    "prior": f"{SEARCH} --prior",
    "tables": "search --budget 2 --strategy random --objective table --data-dir",
    "model": "models show",
    "imported": "data import",
    "mirror": "data fetch acc.json --data-dir fetched --mirror",
    "records": "verify 1 --recipe smoke --images digits --out",
}
LEGAL = {("fitted", "nobody"), ("records", "nobody"), ("storage", "nobody")}
"""Where a folder that is named so may be made."""


@pytest.fixture
def _odd(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(VALUES)
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "pipe.csv", "pipe.json"):
        os.mkfifo(tmp_path / name)


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
@pytest.mark.timeout(60)  # a pipe is waited for without end
@pytest.mark.usefixtures("_odd", "toy_shipped")
@pytest.mark.parametrize(
    ("command", "path"), [(c, p) for c in COMMANDS for p in IMPOSSIBLE if (c, p) not in LEGAL]
)
def test_what_can_be_no_path_is_refused(refused: Refused, command: str, path: str) -> None:
    line = refused([*COMMANDS[command].split(), IMPOSSIBLE[path]])
    assert "unexpected" not in line
    assert "--debug" not in line


READ = [path for path in IMPOSSIBLE if path not in ("json", "nobody")]


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("_odd")
@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize("command", ["predict", "convert", "proxies", "verify"])
def test_what_is_no_file_of_architectures_is_refused(
    refused: Refused, command: str, path: str
) -> None:
    assert "expected" in refused([command, IMPOSSIBLE[path]])


def test_a_json_object_is_not_taken_for_a_path(
    run_cli: Run,
) -> None:
    code, out, err = run_cli(["convert", IMPOSSIBLE["json"], "--to", "index"])
    assert (code, out, err) == (0, "2581\n", "")
    code, out, err = run_cli(["verify", IMPOSSIBLE["json"], "--recipe", "none"])
    assert (code, err.startswith("surrobust: recipe: expected")) == (2, True)


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no /dev/fd")
def test_what_a_shell_passes_on_is_read(run_cli: Run) -> None:
    read, write = os.pipe()
    os.write(write, b"323133\n2581\n")
    os.close(write)
    try:
        code, out, err = run_cli(["convert", f"/dev/fd/{read}", "--to", "index"])
    finally:
        os.close(read)
    assert (code, out, err) == (0, "2581\n2581\n", "")
