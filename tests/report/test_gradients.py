"""The part of a report that is about a gradient search."""

import json
import re

import pytest

from surrobust.errors import InvalidInputError
from surrobust.report import write_report
from surrobust.spaces import DARTS_SPACES, Architecture

CELL = Architecture.parse("323133")


NO_NUMBERS = ("nan", "1_0", "1", "inf", None, [1], -1, 1e300, 10**400)
"""What float() or a drawing would take, or break down on."""


def outcome(**others):
    even = [[0.2] * 5] * 6
    last = [[0.1, 0.1, 0.1, 0.6, 0.1]] * 6
    return {
        "strategy": "darts",
        "options": {},
        "settings": {"channels": 4},
        "images": "digits",
        "n_images": 64,
        "seed": 0,
        "steps": 9,
        "seconds": 1.5,
        "roles": ["cell"],
        "ops": ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"],
        "cells": {"cell": CELL.genotype},
        "collapse": {"cell": None},
        "trajectory": [
            {"step": 0, "probabilities": [even]},
            {"step": 9, "probabilities": [last]},
        ],
        **others,
    }


def write(folder, document):
    (folder / "gradient").mkdir()
    (folder / "gradient" / "gradient.json").write_text(json.dumps(document))


def test_weights_of_every_op_on_every_edge(tmp_path, result):
    write(tmp_path, outcome())
    result.write(tmp_path)
    page = write_report(tmp_path).read_text()
    assert "The gradient search" in page
    lines = re.findall(r'<polyline points="([^"]+)"', page)
    assert len(lines) == 6 * 5
    # The first edge's 3x3 convolution climbs from a third of the panel's height to its top.
    (x0, y0), (x1, y1) = (tuple(map(float, point.split(","))) for point in lines[3].split())
    assert (x0, x1, y1) == (30.0, 202.0, 18.0)
    assert y0 == pytest.approx(106 - (106 - 18) / 3, abs=0.06)
    assert f"code {CELL.code}" in page
    assert "collapsed" not in page


def test_a_collapse_and_own_cells_without_a_search(tmp_path):
    (genotype,) = DARTS_SPACES["darts"].sample(1, seed=0)
    own = {
        "roles": ["normal", "reduce"],
        "ops": ["none"],
        "genotype": genotype.text,
        "collapse": {"normal": "<nothing>", "reduce": None},
        "trajectory": [{"step": 0, "probabilities": [[[1.0]] * 14] * 2}],
    }
    write(tmp_path, outcome(**own))
    page = write_report(tmp_path).read_text()
    assert "Gradient search: darts" in page
    assert "The normal cell has collapsed to &lt;nothing&gt;." in page
    assert "sep_conv" in page


@pytest.mark.parametrize(
    "change",
    [
        {"roles": None},
        {"roles": ["cell", "other"]},
        {"trajectory": [{"step": "x", "probabilities": []}]},
        {"cells": {"cell": "nothing"}},
        {"collapse": None},
        {"settings": None},
        {"settings": []},
        {"options": []},
        {"ops": ["none"], "trajectory": [{"step": 0, "probabilities": [[[1.0]] * 6]}]},
        {"trajectory": []},
        *({"seconds": number} for number in NO_NUMBERS),
        *(
            {"trajectory": [{"step": number, "probabilities": [[[0.2] * 5] * 6]}]}
            for number in NO_NUMBERS
        ),
        *(
            {"trajectory": [{"step": 0, "probabilities": [[[number] + [0.2] * 4] * 6]}]}
            for number in NO_NUMBERS
        ),
    ],
)
def test_damaged_files_are_refused(tmp_path, change):
    write(tmp_path, outcome(**change))
    with pytest.raises(InvalidInputError, match=r"gradient\.json: expected the outcome"):
        write_report(tmp_path)
