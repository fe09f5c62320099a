"""What the README shows is true: its Python runs, its commands exist, its numbers are current."""

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from documentation import blocks

README = (Path(__file__).parents[1] / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return [block.text for block in blocks(README, language)]


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURROBUST_DATA", raising=False)
    (block,) = _blocks("python")
    scope: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), scope)
    assert scope["mean"].shape == (2, 18)  # type: ignore[attr-defined]
    assert (tmp_path / "my-predictor" / "card.json").is_file()


def test_prompted_commands_print_what_is_shown(run_cli: Callable):
    prompted = [block for block in _blocks("") if block.startswith("$ surrobust")]
    assert prompted
    for block in prompted:
        command, expected = block.split("\n", 1)
        code, out, _ = run_cli(shlex.split(command)[2:])
        assert code == 0
        assert out == expected


def test_first_lines_are_the_two_commands():
    first, second = _blocks("")[0].splitlines()
    assert first.startswith("pip install . && surrobust search --budget 50")
    assert second.startswith('pip install ".[test]" && pytest')
