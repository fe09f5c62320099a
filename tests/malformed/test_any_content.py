"""Whatever a file holds, a command ends well or refuses it in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrobust.errors import InvalidArchitectureError
from surrobust.spaces import Architecture

Run = Callable[..., tuple[int, str, str]]

CELL = Architecture.parse(2581)
WORDS = ["2581", "323133", "001234", "12340", CELL.genotype, "5.0", "-1", "15625", "NaN", "true"]
WORDS += [json.dumps(CELL.edges), "[0, 1, 2, 3, 4, 0]", "(1, 2)", "{", "[[[[", "", " ", '"', "|"]
KEYS = ["architecture", "arch", "index", "code", "genotype", "op_indices", "edges", "0_1", "hp_x0"]
KEYS += ["cell/0_1", "finalists", "records", "scores", "value", "identity", "cells", ""]

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=8,
)
ROWS = st.lists(st.lists(st.sampled_from([*WORDS, *KEYS]) | st.text(max_size=4), max_size=4))
CONTENT = (
    st.binary(max_size=100)
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | ANYTHING.map(lambda document: json.dumps(document).encode())
    | st.lists(ANYTHING, max_size=3).map(lambda lines: "\n".join(map(json.dumps, lines)).encode())
    | ROWS.map(lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "replace"))
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"9" * 5000])
)
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

COMMANDS = {
    "convert": (["convert"], "cells"),
    "convert.json": (["convert"], "cells.json"),
    "convert.jsonl": (["convert"], "cells.jsonl"),
    "convert.csv": (["convert", "--json"], "cells.csv"),
    "data": (["fit", "--target", "none", "--out", "m", "--columns"], "values.csv"),
    "report.json": (["report"], "search.json"),
    "report.jsonl": (["report"], "records.jsonl"),
    "verify": (["verify", "--recipe", "none"], "cells"),
}


@pytest.mark.parametrize("command", COMMANDS)
@SETTINGS
@given(content=CONTENT)
def test_a_command_ends_well_or_refuses(
    run_cli: Run, tmp_path_factory: pytest.TempPathFactory, command: str, content: bytes
) -> None:
    arguments, name = COMMANDS[command]
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    code, out, err = run_cli([*arguments, path])
    assert code in (0, 2), err
    if code == 2:
        assert out == ""
        assert err.count("\n") == 1, err


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("convert", b"2581"),
        ("convert.json", b"[2581]"),
        ("convert.jsonl", b"2581\n"),
        ("convert.csv", b"architecture\n2581\n"),
    ],
)
def test_a_command_ends_well(run_cli: Run, tmp_path: Path, command: str, content: bytes) -> None:
    arguments, name = COMMANDS[command]
    (tmp_path / name).write_bytes(content)
    code, out, err = run_cli([*arguments, tmp_path / name])
    assert (code, err) == (0, "")
    assert CELL.genotype in out


@SETTINGS
@given(value=ANYTHING)
def test_anything_is_an_architecture_or_refused(value: object) -> None:
    for form in (value, json.dumps(value)):
        told = ""
        try:
            cell = Architecture.parse(form)
        except InvalidArchitectureError as error:
            told = str(error)
        else:
            assert Architecture.parse(cell.genotype) == cell
        assert "\n" not in told
        assert len(told) < 600


@SETTINGS
@given(text=st.text(st.sampled_from('0123456789|~+_{}[]()":,>- noravgskipconv')) | st.text())
def test_any_text_is_an_architecture_or_refused(text: str) -> None:
    told = ""
    try:
        cell = Architecture.parse(text)
    except InvalidArchitectureError as error:
        told = str(error)
    else:
        assert Architecture.parse(cell.code) == cell
    assert told == "" or told.startswith("architecture: expected")
