"""Standard streams that do not take what is written."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import surrobust
from surrobust._streams import as_it_is, escaped, lenient_stderr, strict_stdout


class Full(io.RawIOBase):
    """A disk that is full."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


def full() -> io.TextIOWrapper:
    return io.TextIOWrapper(Full(), write_through=True)


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


BAD = [full, closed, lambda: None]


@pytest.mark.parametrize("make", BAD, ids=["full", "closed", "none"])
def test_stderr_drops_what_it_cannot_write(make, monkeypatch):
    monkeypatch.setattr(sys, "stderr", make())
    before = sys.stderr
    with lenient_stderr():
        assert sys.stderr.write("told\n") == 5
        sys.stderr.flush()
        assert not sys.stderr.isatty()
    assert sys.stderr is before


@pytest.mark.parametrize("make", BAD, ids=["full", "closed", "none"])
def test_stdout_names_itself(make, monkeypatch):
    monkeypatch.setattr(sys, "stdout", make())
    with strict_stdout(), pytest.raises(OSError, match="standard output"):
        sys.stdout.write("a result\n")


def test_what_can_be_written_is_written(monkeypatch):
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with lenient_stderr(), strict_stdout():
        sys.stdout.write("result\n")
        sys.stderr.write("message\n")
    assert (out.getvalue(), err.getvalue()) == ("result\n", "message\n")


STEERING = "\x1b[2J\x07\r\x08\0\x7f\x9b1m\u200f\u202e\u2066\u2028\udcff"


def test_what_would_steer_a_terminal_is_escaped_on_both_streams(monkeypatch):
    told = "a\tb → é \U0001f600\n" + STEERING
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    with lenient_stderr(), strict_stdout():
        assert sys.stdout.write(told) == len(told)
        sys.stderr.write(told)
        as_it_is(sys.stderr).write("\x1b[2K")
    shown = (
        "a\tb → é \U0001f600\n"
        r"\x1b[2J\x07\r\x08\x00\x7f\x9b1m\u200f\u202e\u2066\u2028\udcff"
    )
    assert out.getvalue() == shown
    assert err.getvalue() == shown + "\x1b[2K"
    assert all(character.isprintable() for character in escaped(STEERING))


@pytest.mark.skipif(os.name == "nt", reason="descriptors of POSIX")
def test_no_file_becomes_a_standard_stream(tmp_path):
    code = """
import subprocess, sys
from surrobust._streams import lenient_stderr, strict_stdout
with lenient_stderr(), strict_stdout():
    with open(sys.argv[1], "w") as file:
        subprocess.run(["sh", "-c", "echo lost; echo lost >&2"], check=True)
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(surrobust.__file__).parents[1])}
    command = ["sh", "-c", 'exec "$0" -c "$1" "$2" >&- 2>&-', sys.executable, code]
    subprocess.run([*command, tmp_path / "file"], check=True, env=environment)
    assert (tmp_path / "file").read_text() == ""
