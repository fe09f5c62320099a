"""Atomic writes and strict JSON."""

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
