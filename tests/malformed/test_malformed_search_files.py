"""Malformed ``search.json`` files that ``--resume`` is asked to continue."""

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrobust._seals import seal
from surrobust.errors import InvalidInputError
from surrobust.searches import read_result
from surrobust.sessions import make_search, task
from surrobust.spaces import Architecture

Run = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def asked_for(n: int) -> list[Architecture]:
    """Return what the random strategy asks for first, so that the document may be continued."""
    search = make_search("random", seed=0)
    cells = []
    for value in range(n):
        cells += search.ask()
        search.tell(cells[-1], value)
    return cells


CELLS = asked_for(3)
ROWS = [
    {"architecture": c.genotype, "index": c.index, "value": 0.5 - i / 10, "trial": i, "source": "t"}
    for i, c in enumerate(CELLS)
]
DOCUMENT: dict[str, Any] = {
    "target": "nas-robbench-201/cifar10/pgd-8",
    "objective": "surrogate",
    "strategy": "random",
    "budget": 3,
    "seed": 0,
    "version": "0.1.0",
    "evaluations": ROWS,
    "finalists": [{k: row[k] for k in ("architecture", "index", "value")} for row in ROWS],
}

ARGUMENTS = [
    "search",
    "--objective",
    "surrogate",
    "--strategy",
    "random",
    "--budget",
    "5",
    "--resume",
    "--out",
    "run",
]


def changed(path: str, value: Any) -> str:
    """Return the document as text with one entry replaced; ``...`` deletes it."""
    document = copy.deepcopy(DOCUMENT)
    place: Any = document
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in keys:
        place = place[key]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document)


CHANGES: list[tuple[str, Any]] = [
    *((key, ...) for key in DOCUMENT),
    *((key, value) for key in DOCUMENT for value in ([3.5], True)),
    ("target", "x"),
    ("target", "a/b/c"),
    ("target", None),
    ("objective", "table"),
    ("objective", "x"),
    ("strategy", "x"),
    ("strategy", "evolution"),
    ("budget", 1.5),
    ("budget", "3"),
    ("seed", 1),
    ("seed", -1),
    ("evaluations", {}),
    ("evaluations", [3]),
    ("evaluations", [[]]),
    ("evaluations", ROWS[:2]),
    ("evaluations", ROWS[::-1]),
    ("evaluations.0", {}),
    ("evaluations.0.architecture", "x"),
    ("evaluations.0.architecture", None),
    ("evaluations.0.architecture", "|none~0|"),
    ("evaluations.0.architecture", ...),
    ("evaluations.0.index", 3),
    ("evaluations.0.index", "3"),
    ("evaluations.1.value", "0.4"),
    ("evaluations.1.value", None),
    ("evaluations.1.value", True),
    ("evaluations.1.value", 1e308 * 10),
    ("evaluations.1.value", [0.4]),
    ("evaluations.1.value", ...),
    ("evaluations.1.trial", 0),
    ("evaluations.1.trial", "1"),
    ("evaluations.1.trial", 1.5),
    ("evaluations.1.trial", ...),
    ("evaluations.2.source", 3),
    ("evaluations.2.source", ...),
    ("finalists", {}),
    ("finalists", []),
    ("finalists", DOCUMENT["finalists"][::-1]),
    ("finalists.0.value", 0.9),
    ("finalists.0.architecture", CELLS[2].genotype),
]


@pytest.fixture
def run_folder(tmp_path: Path, toy_shipped: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # Values that are not the objective's are refused too: so might be what is otherwise accepted.
    monkeypatch.setattr(task, "check_recorded", lambda *_, **__: None)
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


FAILED = {
    **{k: ROWS[1][k] for k in ("architecture", "index", "trial", "source")},
    "value": None,
    "failed": True,
    "error": "value: expected a finite number, got nan",
}
BEST: list[dict[str, Any]] = DOCUMENT["finalists"]

ACCEPTED: dict[str, str] = {
    "unchanged": json.dumps(DOCUMENT),
    "sealed": json.dumps(seal(DOCUMENT)),
    "indented": json.dumps(DOCUMENT, indent=4) + "\n\n",
    "in another order": json.dumps(dict(reversed(DOCUMENT.items()))),
    "in other digits": json.dumps(DOCUMENT).replace("0.4", "4.0e-1"),
    "with a word more": json.dumps({**DOCUMENT, "note": "mine"}),
    "of another version": json.dumps({**DOCUMENT, "version": "0.0.9"}),
    "with what is otherwise left out": json.dumps({**DOCUMENT, "warm_start": 0, "prior": "none"}),
    "without indices": json.dumps(
        {**DOCUMENT, "evaluations": [{k: v for k, v in r.items() if k != "index"} for r in ROWS]}
    ),
    "of codes": json.dumps(
        {
            **DOCUMENT,
            "evaluations": [
                {**r, "architecture": c.code} for r, c in zip(ROWS, CELLS, strict=True)
            ],
        }
    ),
    "of other values": json.dumps(
        {**DOCUMENT, "evaluations": [*ROWS[:2], ROWS[2] | {"value": 0.9}]}
        | {"finalists": [BEST[2] | {"value": 0.9}, *BEST[:2]]}
    ),
    "with a failure": json.dumps(
        {**DOCUMENT, "evaluations": [ROWS[0], FAILED, ROWS[2]], "finalists": [BEST[0], BEST[2]]}
    ),
    "of another budget": json.dumps({**DOCUMENT, "budget": 4}),
    "without evaluations": json.dumps({**DOCUMENT, "evaluations": [], "finalists": []}),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_harmless_is_continued(
    run_cli: Run, run_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    given = json.loads(ACCEPTED[name])["evaluations"]
    path = run_folder / "search.json"
    path.write_text(ACCEPTED[name])
    monkeypatch.chdir(run_folder.parent)
    code, _, err = run_cli(ARGUMENTS)
    assert code == 0, err
    written = json.loads(path.read_text())["evaluations"]
    assert [row["value"] for row in written[: len(given)]] == [row["value"] for row in given]
    assert [row["index"] for row in written[:3]] == [cell.index for cell in CELLS]
    assert len(written) == 5
    assert [row["source"] for row in written[: len(given)]] == ["t"] * len(given)


def test_options_that_are_not_given_are_those_of_the_document(
    run_cli: Run, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_folder / "search.json"
    path.write_text(changed("target", "nas-robbench-201/cifar10/clean"))
    monkeypatch.chdir(run_folder.parent)
    code, _, err = run_cli(["search", "--resume", "--out", "run", "--budget", "4"])
    assert code == 0, err
    document = json.loads(path.read_text())
    assert document["target"] == "nas-robbench-201/cifar10/clean"
    assert (document["strategy"], document["objective"]) == ("random", "surrogate")
    assert document["evaluations"][:3] == ROWS


def test_a_given_target_that_is_not_the_documents_is_refused(
    refused: Refused, run_folder: Path
) -> None:
    (run_folder / "search.json").write_text(json.dumps(DOCUMENT))
    told = refused([*ARGUMENTS, "--target", "nas-robbench-201/cifar10/clean"])
    assert "target: expected" in told


def test_a_document_is_not_written_over(refused: Refused, run_folder: Path) -> None:
    (run_folder / "search.json").write_text(json.dumps(DOCUMENT))
    told = refused([argument for argument in ARGUMENTS if argument != "--resume"])
    assert "--resume" in told
    assert "search.json" in told


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=[f"{p}={str(v)[:20]}" for p, v in CHANGES])
def test_a_changed_entry_is_refused(
    refused: Refused, run_folder: Path, path: str, value: Any
) -> None:
    (run_folder / "search.json").write_text(changed(path, value))
    told = refused(ARGUMENTS)
    # Of a target the part that is wrong is named; what is no JSON has no entries.
    names = ("search.json", "benchmark", *path.split(".")[::2])
    assert any(name in told for name in names), told


TEXT = json.dumps(DOCUMENT)
CONTENTS = {
    "empty": b"",
    "blank": b"\n",
    "null": b"null",
    "list": b"[]",
    "object": b"{}",
    "number": b"3",
    "truncated": TEXT[:-40].encode(),
    "half": TEXT[: len(TEXT) // 2].encode(),
    "twice": (TEXT * 2).encode(),
    "trailing": (TEXT + "]").encode(),
    "nan": TEXT.replace("0.4", "NaN").encode(),
    "infinity": TEXT.replace("0.4", "-Infinity").encode(),
    "duplicate": TEXT.replace('"budget": 3', '"budget": 3, "budget": 3').encode(),
    "utf-16": TEXT.encode("utf-16"),
    "nul": TEXT.replace("random", "rand\0m").encode(),
    "deep": b'{"target":' * 20_000 + b"1" + b"}" * 20_000,
    "digits": TEXT.replace('"seed": 0', '"seed": ' + "1" * 5000).encode(),
    "csv": b"architecture,value\n2581,0.5\n",
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07surrobust\x94.",
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_damaged_file_is_refused(refused: Refused, run_folder: Path, name: str) -> None:
    (run_folder / "search.json").write_bytes(CONTENTS[name])
    assert "search.json" in refused(ARGUMENTS)


def test_what_is_no_file_is_refused(refused: Refused, run_folder: Path) -> None:
    (run_folder / "search.json").mkdir()
    refused(ARGUMENTS)


def test_an_out_that_is_no_folder_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    refused(ARGUMENTS)
    refused([argument for argument in ARGUMENTS if argument != "--resume"])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_an_out_that_is_not_writable_is_refused(refused: Refused, run_folder: Path) -> None:
    run_folder.chmod(0o500)
    refused(ARGUMENTS)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_truncated_or_scribbled_file_is_refused_or_equal(data, tmp_path: Path) -> None:
    at = data.draw(st.integers(0, len(TEXT) - 1))
    put = data.draw(st.text(max_size=3))
    end = data.draw(st.sampled_from([None, at]))
    path = tmp_path / "search.json"
    path.write_text(TEXT[:at] + put + TEXT[at + 1 : end], encoding="utf-8")
    try:
        result = read_result(path)
    except InvalidInputError as error:
        result = str(error)
    if isinstance(result, str):
        assert "\n" not in result
        assert "search.json" in result
    else:
        assert [one.architecture for one in result.evaluations] == CELLS


BETWEEN = [found.end() for found in re.finditer(r'[\[{,:](?= ?["{[\d])', TEXT)]
"""Where white space means nothing."""


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(at=st.sampled_from(BETWEEN), put=st.text(" \t\r\n"))
def test_white_space_changes_nothing(at: int, put: str, tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    path.write_text(TEXT[:at] + put + TEXT[at:], encoding="utf-8")
    result = read_result(path)
    assert [one.architecture for one in result.evaluations] == CELLS
    assert [one.value for one in result.evaluations] == [row["value"] for row in ROWS]
