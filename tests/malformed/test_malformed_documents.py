"""Malformed files of architectures: bytes, JSON lines, CSV, plain lines, and what is no file."""

import contextlib
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from surrobust._files import decode
from surrobust.cli import inputs as documents
from surrobust.cli.inputs import parse_document
from surrobust.errors import InvalidInputError
from surrobust.spaces import Architecture, NASBench201

Refused = Callable[..., str]

GOOD = "2581"

# (name of the file, content, what the line must name)
FILES = [
    ("empty.json", b"", "empty"),
    ("blank.json", b" \n\t\r\n", "empty"),
    ("bom.json", b"\xef\xbb\xbf", "empty"),
    ("bom-inside.json", b"[2581, \xef\xbb\xbf1000]", "JSON"),
    ("utf16.json", "[2581]".encode("utf-16"), "UTF-8"),
    ("utf32.json", "[2581]".encode("utf-32"), "UTF-8"),
    ("latin.json", b'["\xe9"]', "0xe9"),
    ("overlong.json", b'["\xc0\x80"]', "0xc0"),
    ("nul.json", b"[2581, 10\x0000]", "NUL"),
    ("nuls.json", b"\0" * 1000, "NUL"),
    ("pickle.json", b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07surrobust\x94.", "UTF-8"),
    ("gzip.json", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "UTF-8"),
    ("zip.json", b"PK\x03\x04\x14\x00\x00\x00", "NUL"),
    ("two.json", b"2581\n1000\n", "JSON"),
    ("lines.json", b'{"arch": 2581}\n{"arch": 1000}\n', "JSON"),
    ("csv.json", b"architecture\n2581\n", "JSON"),
    ("html.json", b"<!doctype html><title>404</title>", "JSON"),
    ("comment.json", b"[2581] // cells", "JSON"),
    ("a.jsonl", b"2581\nx\n", "line 2"),
    ("b.jsonl", b"2581\n\n\n[1]\n", "line 4"),
    ("c.jsonl", b'{"arch": 2581}\n{"arch": \n', "line 2"),
    ("d.jsonl", b'{"arch": 2581} {"arch": 1000}\n', "line 1"),
    ("e.jsonl", b'{"arch": 2581},\n{"arch": 1000}\n', "line 1"),
    ("f.jsonl", b"[\n2581,\n1000\n]\n", "line 1"),
    ("g.jsonl", b'"323133"\n"323135"\n', "line 2"),
    ("h.jsonl", b"323133\n", "code is written as text"),
    ("i.jsonl", b'{"arch": 2581}\n{"value": 3}\n', "line 2"),
    ("j.jsonl", b'{"arch": NaN}\n', "NaN"),
    ("k.jsonl", b"2581\r1000\r", "line 1"),
    ("l.ndjson", b"[0, 1, 2, 3, 4, 0]\n", "unambiguous"),
    ("a.csv", b"net,value\n2581,1\n", "column architecture"),
    ("b.csv", b"2581\n1000\n", "column architecture"),
    ("c.csv", b"architecture\n", "at least one row"),
    ("d.csv", b"architecture,value\n\n , \n", "at least one row"),
    ("e.csv", b"architecture,architecture\n2581,2581\n", "twice"),
    ("f.csv", b"arch,arch\n2581,2581\n", "twice"),
    ("g.csv", b"architecture,arch\n2581,1000\n", "line 2"),
    ("h.csv", b"architecture,value\n2581\n", "expected 2 fields, got 1"),
    ("i.csv", b"architecture,value\n2581,1,2\n", "expected 2 fields, got 3"),
    ("j.csv", b"architecture,value\n2581,1\n,1\n", "line 3"),
    ("k.csv", b'architecture,value\n"2581,1\n1000,1\n', "CSV"),
    ("l.csv", b'architecture,value\n"2581"x,1\n', "CSV"),
    ("m.csv", b"architecture;value\n2581;1\n", "column architecture"),
    ("n.csv", b"architecture\tvalue\n2581\t1\n", "column architecture"),
    ("o.csv", b"architecture\n2581\n" + b"9" * 140_000 + b"\n", "line 3"),
    ("p.csv", b'architecture\n"' + b"9" * 1_000 + b'"\n', "line 2"),
    ("q.csv", b"architecture\n2581.0\n", "'2581.0'"),
    ("r.csv", b'architecture\n"(4, 0, 3, 1, 4, 3)"\n', "line 2"),
    ("s.csv", b"architecture\n1;2\n", "line 2"),
    ("t.csv", b"architecture\n2581\n15625\n", "line 3"),
    ("u.csv", b"architecture\n=2581\n", "line 2"),
    ("v.csv", b'[{"architecture": 2581}]', "column architecture"),
    ("w.csv", b"architecture\r2581\r15625\r", "15624"),
    ("x.csv", b"\n\n\n", "empty"),
    ("y.csv", b"architecture\nnan\n", "line 2"),
    ("a.txt", b"2581 1000\n", "line 1"),
    ("b.txt", b"2581\n\nx\n", "line 3"),
    ("c.txt", b"2581,1000\n", "column architecture"),
    ("d.txt", b"# cells\n2581\n", "line 1"),
    ("e.txt", b"[2581\n", "JSON"),
    ("f.txt", b'{"arch": 2581}\n2581 x\n', "line 2"),
    ("g.txt", b"(0, 1, 2, 3, 4, 0)\n", "unambiguous"),
    ("h.txt", b'"323133\n', "JSON"),
    ("i.txt", b"2581\n(0, 1\n", "line 2"),
    ("noend", b"net,value\n2581,1\n", "column architecture"),
]


SOUND = [
    ("list.json", b"[2581, 1000]"),
    ("bom.json", b"\xef\xbb\xbf[2581, 1000]\n"),
    ("spaces.json", b' [ "2581" ,\n{"arch": 1000}\t]\r\n'),
    ("lines.jsonl", b'{"arch": 2581}\n\n{"architecture": 1000, "value": 3}\n'),
    ("lines.ndjson", b"2581\r\n1000"),
    ("column.csv", b"value,architecture\n1,2581\n2,1000\n"),
    ("quoted.csv", b'\xef\xbb\xbf"arch"\r\n"2581"\r\n1000\r\n'),
    ("plain.txt", b"\n2581\n\n 1000 \n"),
    ("noend", b"2581\n1000\n"),
]


@pytest.mark.parametrize(("name", "content"), SOUND, ids=[file[0] for file in SOUND])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_sound_file_is_read(
    run_cli: Callable[..., tuple[int, str, str]],
    tmp_path: Path,
    name: str,
    content: bytes,
    streamed: bool,
) -> None:
    (tmp_path / name).write_bytes(content)
    given, stdin = ("-", content) if streamed else (tmp_path / name, b"")
    assert run_cli(["convert", given, "--to", "index"], stdin) == (0, "2581\n1000\n", "")


@pytest.mark.parametrize(("name", "content", "told"), FILES, ids=[file[0] for file in FILES])
def test_a_malformed_file_is_refused(
    refused: Refused, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    line = refused(["convert", name])
    assert name in line
    assert told in line


STREAMED = [file for file in FILES if not file[0].endswith((".json", ".jsonl", ".ndjson", ".csv"))]


@pytest.mark.parametrize(("name", "content", "told"), STREAMED, ids=[f[0] for f in STREAMED])
def test_a_malformed_standard_input_is_refused(
    refused: Refused, name: str, content: bytes, told: str
) -> None:
    line = refused(["convert", "-"], stdin=content)
    assert "standard input" in line
    assert told in line


def test_one_bad_item_among_many_refuses_all(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "cells.json").write_text(json.dumps([*range(5000), 99999]))
    assert "item 5001" in refused(["convert", "cells.json"])
    assert "x.json" in refused(["convert", "2581", "x.json"])


def test_a_file_above_the_limit_is_refused(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 2**20)
    (tmp_path / "cells.json").write_bytes(b"[" + b" " * 2**20 + b"]")
    assert "1 MiB" in refused(["convert", "cells.json"])
    assert "1 MiB" in refused(["convert", "-"], stdin=b"1" * (2**20 + 1))
    assert "1 MiB" in refused(["convert", "/dev/zero"])


def test_what_is_no_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "dangling.json").symlink_to("nowhere")
    (tmp_path / "loop.json").symlink_to("loop.json")
    assert "directory" in refused(["convert", "folder.json"])
    assert "No such file" in refused(["convert", "dangling.json"])
    assert "symbolic links" in refused(["convert", "loop.json"])
    assert "empty" in refused(["convert", "/dev/null"])
    assert "once" in refused(["convert", "-", "-"], stdin=b"2581")


def test_an_unreadable_file_is_refused(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cells.json").write_text(GOOD)

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "cells.json")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(InvalidInputError, match=r"cells.json.*Permission denied"):
        documents.read_architectures([str(tmp_path / "cells.json")])


def test_control_characters_of_a_file_name_do_not_reach_the_terminal(
    refused: Refused, tmp_path: Path
) -> None:
    line = refused(["convert", "red\x1b[31m\n.json"])
    assert "\x1b" not in line


def read(text: str, written: str | None) -> None:
    """Parse a document; anything but cells or the one-line error fails the test."""
    refusal = ""
    try:
        cells = parse_document(text, "file", written, parse=Architecture.parse)
    except InvalidInputError as error:
        cells, refusal = [], str(error)
    assert cells or refusal.startswith("file: ")
    assert "\n" not in refusal


WRITTEN: dict[str, Callable[[list[Architecture]], str]] = {
    "JSON": lambda cells: json.dumps([{"architecture": cell.genotype} for cell in cells]),
    "JSON lines": lambda cells: "\n".join(json.dumps(cell.genotype) for cell in cells),
    "CSV": lambda cells: "\n".join(["architecture", *(cell.code for cell in cells)]),
    "plain lines": lambda cells: "\n".join(str(cell.index) for cell in cells),
}


@pytest.mark.parametrize("written", WRITTEN)
@settings(max_examples=40, deadline=None)
@given(indices=st.lists(st.integers(0, 15624), min_size=1, max_size=6), is_told=st.booleans())
def test_cells_are_read_in_every_format(written: str, indices: list[int], is_told: bool) -> None:
    cells = [NASBench201()[index] for index in indices]
    text = WRITTEN[written](cells)
    found = parse_document(text, "file", written if is_told else None, parse=Architecture.parse)
    assert found == cells


FORMATS = st.sampled_from([None, "JSON", "JSON lines", "CSV", "plain lines"])
SETTINGS = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@SETTINGS
@given(text=st.text(), written=FORMATS)
def test_any_text_is_read_or_refused(text: str, written: str | None) -> None:
    read(text, written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=7)
        | st.dictionaries(
            st.sampled_from(["architecture", "arch", "op_indices", "edges", "finalists", "index"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@SETTINGS
@given(document=JSON, written=FORMATS)
def test_any_json_is_read_or_refused(document: object, written: str | None) -> None:
    read(json.dumps(document), written)


@SETTINGS
@given(
    header=st.lists(st.sampled_from(["architecture", "arch", "value", ""]), max_size=3),
    rows=st.lists(
        st.lists(st.sampled_from(["2581", "323133", "x", "", '"', "1,2", "\n"]), max_size=3)
    ),
)
def test_any_csv_is_read_or_refused(header: list[str], rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    read(text.getvalue(), "CSV")


@SETTINGS
@given(data=st.data())
def test_a_truncated_document_is_refused_or_holds_fewer_cells(data) -> None:
    cells = NASBench201().sample(4, seed=data.draw(st.integers(0, 99)))
    text = json.dumps([{"architecture": cell.genotype} for cell in cells])
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    with pytest.raises(InvalidInputError):
        parse_document(cut, "file", "JSON", parse=Architecture.parse)


@SETTINGS
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    text = ""
    with contextlib.suppress(InvalidInputError):
        text = decode(content, name="file")
    read(text, None)
