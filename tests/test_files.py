"""Atomic writes, strict JSON, and files that are none."""

import os
from pathlib import Path

import pytest

from surrobust import _files
from surrobust.errors import InvalidInputError


def test_write_replaces_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a" / "b.json"
    _files.write_json(path, {"x": 1})
    assert _files.read_json(path) == {"x": 1}

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        _files.write_json(path, {"x": 2})
    assert _files.read_json(path) == {"x": 1}
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


def test_sha256_of_nothing(tmp_path: Path):
    (tmp_path / "empty").touch()
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert _files.sha256(tmp_path / "empty") == expected


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, "1" * 5000]
)
def test_strict_json(text: str):
    with pytest.raises(InvalidInputError, match=r"^doc: expected JSON"):
        _files.parse_json(text, name="doc")


def test_unreadable_files(tmp_path: Path):
    with pytest.raises(InvalidInputError, match="No such file"):
        _files.read_json(tmp_path / "missing.json")
    with pytest.raises(InvalidInputError, match="directory"):
        _files.read_json(tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="UTF-8"):
        _files.read_json(tmp_path / "bytes")


@pytest.mark.timeout(60)  # a pipe is waited for without end
@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_what_never_answers_or_never_ends_is_not_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    for most in (None, 100):
        with pytest.raises(InvalidInputError, match="expected a file, got a named pipe"):
            _files.read_bytes(tmp_path / "pipe", most=most)
    with pytest.raises(InvalidInputError, match="expected a file, got a device"):
        _files.read_bytes("/dev/zero")
    with pytest.raises(InvalidInputError, match="expected at most 1 MiB, got more"):
        _files.read_bytes("/dev/zero", most=2**20)
    assert _files.read_bytes("/dev/null") == b""


def test_a_limit_is_of_the_content(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"abc")
    assert _files.read_bytes(tmp_path / "file", most=3) == b"abc"
    with pytest.raises(InvalidInputError, match="at most"):
        _files.read_bytes(tmp_path / "file", most=2)


@pytest.mark.parametrize("path", ["a\0b", "a\ud800b", "a" * 300, "a/" * 5000, ""])
def test_what_can_be_no_path_names_nothing(path: str):
    assert not _files.exists(path)
    assert not _files.is_file(path)
    assert path == "" or not _files.is_folder(path)
    with pytest.raises(InvalidInputError, match="expected a readable file") as caught:
        _files.read_text(path)
    assert len(str(caught.value)) < 400


def test_text_is_utf_8_without_mark_or_nul():
    assert _files.decode(b"\xef\xbb\xbfa", name="x") == "a"
    with pytest.raises(InvalidInputError, match="x: expected UTF-8 text, got byte 0xe9"):
        _files.decode(b"caf\xe9", name="x")
    with pytest.raises(InvalidInputError, match="x: line 3: expected text, got a NUL byte"):
        _files.decode(b"a\n\nb\0", name="x")


def test_the_home_of_nobody_is_a_plain_path():
    assert _files.expand("~no-such-user-as-this/x") == Path("~no-such-user-as-this/x")
    assert _files.expand("~").is_absolute()
