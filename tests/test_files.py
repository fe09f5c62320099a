"""Atomic writes, strict JSON, and files that are none."""

import os
from pathlib import Path

import pytest
from killed import run_until_killed, stopped

from surrobust import _files
from surrobust.errors import InvalidInputError


def test_write_replaces_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a" / "b.json"
    _files.write_json(path, {"x": 1})
    assert _files.read_json(path) == {"x": 1}

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full_disk)
    with pytest.raises(OSError, match=r"No space.*b\.json'"):
        _files.write_json(path, {"x": 2})
    assert _files.read_json(path) == {"x": 1}
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]


@pytest.mark.skipif(os.name == "nt", reason="pipes and links of POSIX")
def test_what_is_no_file_is_not_replaced(tmp_path: Path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("/dev/null")
    for path in (pipe, link):
        before = path.lstat()
        with pytest.raises(
            OSError, match=rf"expected a file, got a pipe or device: '.*{path.name}'"
        ):
            _files.write_bytes(path, b"x")
        assert os.path.samestat(before, path.lstat())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "pipe"]


WRITE = """
from surrobust import _files
_files.os.fsync = stop_here
_files.write_bytes(sys.argv[1], b"never whole")
"""
FILL = """
from surrobust import _files
_files.replace_folder(sys.argv[1], lambda fresh: stop_here((fresh / "part").touch()))
"""
posix = pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")


def write_as_another_process(path: Path) -> None:
    _files._clear.cache_clear()
    _files.write_text(path, "new")


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@posix
@pytest.mark.parametrize("code", [WRITE, FILL])
def test_what_a_killed_process_leaves_is_removed_by_the_next_and_not_before(
    tmp_path: Path, code: str
):
    with stopped(code, tmp_path / "a.json") as writer:
        (left,) = hidden(tmp_path)
        assert left.startswith(".a.json.")
        write_as_another_process(tmp_path / "b.json")
        assert hidden(tmp_path) == [left]  # it is being written
        writer.kill()
        writer.wait()
        write_as_another_process(tmp_path / "b.json")
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]


@posix
def test_what_is_somebody_elses_stays(tmp_path: Path):
    (tmp_path / "mine").mkdir()
    names = [".a.json.swp", ".a.json.backup01", "a.json.abcdefgh.surrobust", ".abcdefgh.surrobust"]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".link.abcdefgh.surrobust").symlink_to(tmp_path / "mine")
    write_as_another_process(tmp_path / "a.json")
    expected = {*names, "mine", ".link.abcdefgh.surrobust", "a.json"}
    assert {path.name for path in tmp_path.iterdir()} == expected


@posix
@pytest.mark.parametrize("n_times", [_files._TRIES - 1, _files._TRIES])
def test_a_file_that_is_cleared_away_by_mistake_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_times: int
):
    """As by a machine that does not see the locks of this one."""
    cleared: list[str] = []

    def clear(_: int) -> None:
        if len(cleared) < n_times:
            (name,) = hidden(tmp_path)
            (tmp_path / name).unlink()
            cleared.append(name)

    monkeypatch.setattr(_files.os, "fsync", clear)
    if n_times == _files._TRIES:
        with pytest.raises(FileNotFoundError):  # that is something else
            _files.write_text(tmp_path / "a.json", "new")
    else:
        _files.write_text(tmp_path / "a.json", "new")
        assert [path.read_text() for path in tmp_path.iterdir()] == ["new"]


BETWEEN = """
from surrobust import _files
path, rename = Path(sys.argv[1]), Path.rename
Path.rename = lambda self, to: HERE if self.name == "new" else rename(self, to)
_files.replace_folder(path, lambda fresh: (fresh / "fresh").touch())
"""
"""Ends or stops between the two renamings."""


@posix
@pytest.mark.parametrize("reads", [True, False])
def test_a_folder_is_not_lost_between_two_renamings(tmp_path: Path, reads: bool):
    model, other = tmp_path / "model", tmp_path / "b.json"
    _files.replace_folder(model, lambda fresh: (fresh / "old").touch())
    other.touch()
    run_until_killed(BETWEEN.replace("HERE", "die_here()"), model)
    assert not model.exists()
    if reads:
        _files.put_back(model)
    else:
        write_as_another_process(other)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "b.json"}
    assert [path.name for path in model.iterdir()] == ["old"]


@posix
def test_nothing_is_put_back_while_somebody_replaces_it_or_beside_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model = tmp_path / "model"
    monkeypatch.setattr(_files, "_PAUSE", 0.0)
    _files.replace_folder(model, lambda fresh: (fresh / "old").touch())
    with stopped(BETWEEN.replace("HERE", "stop_here()"), model) as writer:
        _files.put_back(model)
        assert not model.exists()  # it was not put back: the new one is about to come
        (tmp_path / "nowhere").touch()
        model.symlink_to(tmp_path / "nowhere")
        writer.kill()
        writer.wait()
    _files.put_back(model)
    assert model.is_symlink()
    model.unlink()
    _files.put_back(model)
    assert [path.name for path in model.iterdir()] == ["old"]
    for path in (tmp_path / "x" / "y", tmp_path / "\0", tmp_path / ("z" * 300) / "model"):
        _files.put_back(path)  # there is nothing to put back


def test_two_that_replace_a_folder_at_once_leave_one_of_theirs(tmp_path: Path):
    model = tmp_path / "model"
    _files.replace_folder(model, lambda fresh: (fresh / "old").touch())

    def outer(fresh: Path) -> None:
        (fresh / "outer").touch()
        _files.replace_folder(model, lambda fresh: (fresh / "inner").touch())

    _files.replace_folder(model, outer)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in model.iterdir()] == ["outer"]


def test_a_folder_that_others_remove_while_it_is_empty_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    removals = [Path.rmdir, Path.rmdir, Path.touch]
    monkeypatch.setattr(_files, "_clear", lambda folder: removals.pop(0)(folder))
    target = tmp_path / "checkpoints" / "mine"
    _files.write_bytes(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert not removals


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path):
    path = tmp_path / "parent" / "model"
    _files.replace_folder(path, lambda fresh: _files.write_text(fresh / "a", "1"))

    def fail(fresh: Path) -> None:
        _files.write_text(fresh / "b", "2")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        _files.replace_folder(path, fail)
    assert [p.name for p in path.iterdir()] == ["a"]
    _files.replace_folder(path, lambda fresh: _files.write_text(fresh / "c", "3"))
    assert [p.name for p in path.iterdir()] == ["c"]
    assert [p.name for p in path.parent.iterdir()] == ["model"]


@posix
def test_modes_are_those_of_ordinary_files(tmp_path: Path):
    mask = os.umask(0o027)
    try:
        _files.write_text(tmp_path / "a", "")
        _files.replace_folder(tmp_path / "f", lambda fresh: (fresh / "x").touch())
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o750


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


def test_text_is_utf_8_without_mark_or_nul():
    assert _files.decode(b"\xef\xbb\xbfa", name="x") == "a"
    with pytest.raises(InvalidInputError, match="x: expected UTF-8 text, got byte 0xe9"):
        _files.decode(b"caf\xe9", name="x")
    with pytest.raises(InvalidInputError, match="x: line 3: expected text, got a NUL byte"):
        _files.decode(b"a\n\nb\0", name="x")
