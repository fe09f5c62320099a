"""Exit codes, one-line errors, help; in this process and through the real interpreter."""

import errno
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from surrobust import __version__
from surrobust._streams import AT_ONCE
from surrobust.cli import tree as commands
from surrobust.errors import InvalidInputError, StorageLostError, WorkersLostError
from surrobust.spaces import Architecture

Run = Callable[..., tuple[int, str, str]]

HOME = import_module("surrobust.cli.commands.convert")
ROOT = Path(__file__).parents[2]
SURROBUST = [sys.executable, "-m", "surrobust"]


def every_command() -> list[list[str]]:
    """Return the words of every command, sub-commands of groups included."""
    words = []
    for name in commands.COMMANDS:
        command = commands.root.get_command(None, name)
        words.append([name])
        words += [[name, inner] for inner in getattr(command, "commands", {})]
    return words


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_help_shows_an_example(run_cli: Run, words: list[str]) -> None:
    code, out, err = run_cli([*words, "--help"])
    assert (code, err) == (0, "")
    assert re.search(rf"Examples?:\n +surrobust {' '.join(words)}", out)


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_the_common_options(run_cli: Run, words: list[str]) -> None:
    _, out, _ = run_cli([*words, "--help"])
    if "Commands:" not in out:
        assert all(option in out for option in ("--json", "--seed", "--debug", "--help"))


def test_no_command_prints_the_help(run_cli: Run) -> None:
    code, out, err = run_cli([])
    assert (code, err) == (0, "")
    assert all(name in out for name in commands.COMMANDS)


def test_version(run_cli: Run) -> None:
    assert run_cli(["--version"]) == (0, f"surrobust, version {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["no-such-command"],
            "surrobust: No such command 'no-such-command'. (see surrobust --help)",
        ),
        (["--no-such-option"], "No such option"),
        (["convert"], "Missing argument"),
        (["convert", "1", "--to"], "requires an argument"),
        (["convert", "1", "--to", "roman"], "'roman'"),
        (["convert", "1", "--seed", "x"], "--seed"),
        (["convert", "1", "--seed", "-1"], "--seed"),
        (["convert", "1", "--seed", "9" * 5000], "--seed"),
        (["convert", "1", "--json=yes"], "--json"),
    ],
)
def test_usage_errors_are_one_line(run_cli: Run, arguments: list[str], told: str) -> None:
    code, out, err = run_cli(arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert told in err


def test_an_unexpected_error_is_one_line_and_exit_code_1(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SURROBUST_DEBUG", raising=False)

    def break_down(_: object) -> None:
        raise ZeroDivisionError("a bug\nof two lines")

    monkeypatch.setattr(HOME, "read_architectures", break_down)
    code, out, err = run_cli(["convert", "1"])
    line = "surrobust: unexpected ZeroDivisionError: a bug of two lines"
    assert (code, out, err) == (1, "", f"{line} (--debug shows where)\n")

    code, out, err = run_cli(["convert", "1", "--debug"])
    assert (code, out) == (1, "")
    assert err.startswith("Traceback")
    assert err.endswith(f"{line}\n")

    monkeypatch.setenv("SURROBUST_DEBUG", "1")
    assert run_cli(["convert", "1"])[2].startswith("Traceback")


def test_debug_shows_the_traceback_of_a_mistake(run_cli: Run) -> None:
    code, out, err = run_cli(["convert", "x", "--debug"])
    assert (code, out) == (2, "")
    assert "InvalidInputError" in err


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 1),
        (OSError(28, "No space left on device"), 1),
        (MemoryError(), 1),
        (RecursionError("deep"), 1),
        (WorkersLostError("workers: 1 of 1 was killed"), 1),
        (StorageLostError("storage: expected a database that answers, got none for 300 s"), 1),
        (PermissionError(13, "Permission denied", "/somewhere"), 2),
        (FileExistsError(17, "File exists", "/somewhere"), 2),
        (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 3000), 2),
        (OSError(errno.ELOOP, "Too many levels of symbolic links", "loop"), 2),
        (OSError(errno.EROFS, "Read-only file system", "/somewhere"), 2),
    ],
    ids=repr,
)
def test_exit_codes(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, expected: int
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(HOME, "read_architectures", fail)
    code, out, err = run_cli(["convert", "1"])
    assert (code, out) == (expected, "")
    assert err.strip().count("\n") == 0
    assert "Traceback" not in err


@pytest.mark.parametrize("is_mistake", [False, True])
def test_warnings_of_libraries_are_one_line_and_none_beside_a_mistake(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch, is_mistake: bool
) -> None:
    def warn(_: object) -> list[Architecture]:
        warnings.warn("a damaged\nfile", stacklevel=2)
        if is_mistake:
            raise InvalidInputError("x: expected another")
        return [Architecture.parse(1)]

    monkeypatch.setattr(HOME, "read_architectures", warn)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        _, _, err = run_cli(["convert", "1"])
    assert err == f"surrobust: {'x: expected another' if is_mistake else 'a damaged file'}\n"


@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_waited_for_is_told_at_once(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:

    def wait(_: object) -> list[Architecture]:
        extra = AT_ONCE if at_once else {}
        logging.getLogger("surrobust.searches").warning("storage: is away", extra=extra)
        raise InvalidInputError("x: expected another")

    monkeypatch.setattr(HOME, "read_architectures", wait)
    told = "surrobust: storage: is away\n" if at_once else ""
    assert run_cli(["convert", "1"]) == (2, "", f"{told}surrobust: x: expected another\n")


def environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {k: v for k, v in os.environ.items() if k != "SURROBUST_DEBUG"}
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def test_workers_that_were_lost_are_told_with_what_is_kept(
    run_cli: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = WorkersLostError("workers: 1 of 1 (pid 5) was killed by SIGKILL (out of memory?)")
    error.add_note("2 of 9 evaluations are kept, --resume (resume=True) goes on")

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(HOME, "read_architectures", fail)
    told = f"surrobust: {error}, {error.__notes__[0]}\n"
    assert run_cli(["convert", "1"]) == (1, "", told)


def run(arguments: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SURROBUST, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
        **options,
    )


def test_real_process_done() -> None:
    done = run(["convert", "2581", "--json"])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["architectures"][0]["code"] == "323133"


def test_real_process_standard_input() -> None:
    done = run(["convert", "-", "--to", "index"], input="323133\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2581\n", "")


@pytest.mark.parametrize("argument", ["x", "", "\udcff.json", "9" * 5000, "[1,", '{"a": 1}'])
def test_real_process_mistake(argument: str) -> None:
    done = run(["convert", argument])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_closed_standard_input() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m surrobust convert - <&-', sys.executable],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert "standard input" in done.stderr
    assert "Traceback" not in done.stderr


def test_broken_pipe_is_quiet(tmp_path: Path) -> None:
    genotype = Architecture.parse(0).genotype
    (tmp_path / "cells.txt").write_text("\n".join(map(str, range(15625))))
    command = (
        'exec 3>&1; { "$0" -m surrobust convert cells.txt --to genotype; echo $? >&3; } | head -1'
    )
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    # Some kernels accept the last write before they tell of the closed pipe.
    assert set(done.stdout.split()) - {genotype} in ({"0"}, {"1"})


SEARCH = "search --objective surrogate --strategy random --budget 3 --out out"


def redirected(
    command: str, redirection: str, place: Path, **options: object
) -> subprocess.CompletedProcess[str]:
    """Run a command with a redirection of the shell's."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m surrobust {command} {redirection}', sys.executable],
        text=True,
        env=environment(),
        cwd=place,
        timeout=300,
        check=False,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "broken pipe"])
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (SEARCH, 0),
        (f"{SEARCH} --workers 2", 0),
        ("proxies 2581 12 --proxy params", 0),
        ("convert zzz", 2),
    ],
    ids=["search", "workers", "proxies", "mistake"],
)
def test_what_stderr_cannot_take_ends_nothing(
    command: str, expected: int, redirection: str, tmp_path: Path
) -> None:
    if redirection == "broken pipe":
        read, write = os.pipe()
        os.close(read)
        done = redirected(command, "", tmp_path, stderr=write)
        os.close(write)
    else:
        done = redirected(command, redirection, tmp_path)
    assert done.returncode == expected
    assert not done.stderr
    assert bool(done.stdout) == (expected == 0)
    if command.startswith("search"):
        assert len(json.loads((tmp_path / "out/search.json").read_text())["evaluations"]) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("redirection", "reason"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
@pytest.mark.parametrize("command", [SEARCH, "convert 2581 --json", "--help"])
def test_a_result_that_stdout_cannot_take_is_an_error(
    command: str, redirection: str, reason: str, tmp_path: Path
) -> None:
    done = redirected(command, redirection, tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == f"surrobust: standard output: {reason}"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    if command == SEARCH:
        assert len(json.loads((tmp_path / "out/search.json").read_text())["evaluations"]) == 3


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_interrupt() -> None:
    import fcntl
    import termios

    process = subprocess.Popen(
        [*SURROBUST, "convert", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
        # A shell that starts the tests in the background makes their children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # It has begun to read once the pipe is empty, however long that takes, and waits for more.
    assert process.stdin is not None
    process.stdin.write("2581\n")
    process.stdin.flush()
    while fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)) != bytes(4):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert err.strip() == "surrobust: interrupted"


def test_what_is_logged_outside_of_a_command_is_not_told_by_the_next(run_cli):
    run_cli(["--version"])
    logging.getLogger("surrobust.elsewhere").warning("for other ears")
    assert run_cli(["--version"])[2] == ""
