"""Names of others in what is printed."""

import io
import json
import sys

import pytest

from surrobust._streams import lenient_stderr, strict_stdout
from surrobust.cli.output import bars, print_json, print_rows

NAME = "a\x1b[31m\x07\x7f\u202e\nb\tc"


def test_json_stays_json_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    with strict_stdout():
        print_json({NAME: [NAME, {"x": NAME}]})
    text = capsys.readouterr().out
    assert json.loads(text) == {NAME: [NAME, {"x": NAME}]}
    assert text.rstrip("\n").isprintable()


def test_a_table_keeps_its_lines_and_columns(capsys: pytest.CaptureFixture[str]) -> None:
    with strict_stdout():
        print_rows((NAME, "n"), [("x", 1), (NAME, 2)])
    shown = r"a\x1b[31m\x07\x7f\u202e\nb\tc"
    width = len(shown)
    assert capsys.readouterr().out.splitlines() == [
        f"{shown}  n",
        f"{'x':{width}}  1",
        f"{shown}  2",
    ]


def test_bars_draw_on_the_terminal_while_messages_are_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with lenient_stderr():
        with bars("cells", transient=True) as shown:
            shown.add_task("cells", total=2)
        drawn = terminal.getvalue()
        sys.stderr.write("\x1b[2J")
    assert "\x1b[" in drawn
    assert terminal.getvalue() == drawn + r"\x1b[2J"
