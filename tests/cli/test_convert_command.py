"""``surrobust convert``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from surrobust.cli.commands.convert import FORMS
from surrobust.spaces import NASBench201

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("form", FORMS)
def test_what_to_prints_is_read_again(run_cli: Run, space: NASBench201, form: str) -> None:
    cells = space.sample(200, seed=3)
    text = "\n".join(cell.genotype for cell in cells)
    code, out, err = run_cli(["convert", "-", "--to", form], stdin=text.encode())
    assert (code, err) == (0, "")
    code, back, _ = run_cli(["convert", "-", "--to", "genotype"], stdin=out.encode())
    assert back.split() == text.split()


@pytest.mark.parametrize("form", [None, *FORMS])
def test_json_of_every_form_is_read_again(
    run_cli: Run, space: NASBench201, tmp_path: Path, form: str | None
) -> None:
    cells = space.sample(50, seed=4)
    to = ["--to", form] if form else []
    code, out, err = run_cli(["convert", *(cell.code for cell in cells), *to, "--json"])
    assert (code, err) == (0, "")
    path = tmp_path / "cells.json"
    path.write_text(out)
    _, back, _ = run_cli(["convert", str(path), "--to", "code"])
    assert back.split() == [cell.code for cell in cells]


def test_json_names_every_form_the_representative_and_the_function_class(run_cli: Run) -> None:
    _, out, _ = run_cli(["convert", "2581", "--json"])
    assert json.loads(out)["architectures"] == [
        {
            "architecture": "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_3x3~1|"
            "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
            "index": 2581,
            "code": "323133",
            "op_indices": [2, 3, 0, 2, 2, 2],
            "edges": {
                "0->1": "nor_conv_3x3",
                "0->2": "nor_conv_1x1",
                "1->2": "nor_conv_3x3",
                "0->3": "skip_connect",
                "1->3": "nor_conv_3x3",
                "2->3": "nor_conv_3x3",
            },
            "representative": 2581,
            "function_class": "conv3x3(conv1x1(x)+conv3x3(conv3x3(x)))+conv3x3(conv3x3(x))+x",
        }
    ]


def test_text_shows_the_same_forms(run_cli: Run) -> None:
    _, out, _ = run_cli(["convert", "2581", "1000"])
    blocks = [dict(line.split(maxsplit=1) for line in b.splitlines()) for b in out.split("\n\n")]
    assert [block["code"] for block in blocks] == ["323133", "132013"]
    assert json.loads(blocks[0]["op_indices"]) == {"op_indices": [2, 3, 0, 2, 2, 2]}
