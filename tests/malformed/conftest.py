"""What every malformed input must end in."""

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def refused(run_cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Run a command that must be refused: one line on stderr, exit code 2, nothing written.

    The function takes the arguments and standard input, works in ``tmp_path`` and returns the line.
    """
    monkeypatch.chdir(tmp_path)

    def check(arguments: list[object], stdin: bytes = b"") -> str:
        before = snapshot(tmp_path)
        code, out, err = run_cli(arguments, stdin)
        assert code == 2, (code, err)
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1, err
        assert err.startswith("surrobust")
        assert err.strip().isprintable()
        assert 20 < len(err) <= 1001
        assert "Traceback" not in err
        assert snapshot(tmp_path) == before
        return err

    return check
