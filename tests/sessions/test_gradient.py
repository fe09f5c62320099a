"""Differentiable strategies as searches: from images to looked-up values, and on after a stop."""

import json

import pytest

from surrobust.errors import InvalidInputError
from surrobust.sessions import GradientOptions, make_search, run_search
from surrobust.sessions.studies.sampler import SurrobustSampler
from surrobust.spaces import Architecture


def value(cell):
    return 0.1 + sum(cell.ops) / 100


def options(**others):
    return GradientOptions("random", preset="smoke", device="cpu", **others)


@pytest.mark.parametrize("name", ["darts", "arnas"])
def test_the_derived_cells_are_measured_first(tmp_path, name):
    told = []
    gradient = options(progress=lambda *args: told.append(args[:2]))
    result = run_search(value, strategy=name, budget=4, seed=1, gradient=gradient, out=tmp_path)
    assert told == [(1, 2), (2, 2)]
    document = json.loads((tmp_path / "gradient" / "gradient.json").read_text())
    cells = [Architecture.parse(text) for text in reversed(list(document["cells"].values()))]
    asked = [e.architecture for e in result.evaluations]
    assert asked[: len(cells)] == [cell.representative for cell in cells]
    assert len(document["trajectory"]) == 3
    # Resumed: nothing is searched again, with options or without.
    for again in (None, gradient):
        more = run_search(
            value, strategy=name, budget=6, seed=1, gradient=again, out=tmp_path, resume=True
        )
        assert more.evaluations[:4] == result.evaluations
    assert len(told) == 2


def test_what_it_cannot_do_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="images: expected a name or folder"):
        run_search(value, strategy="dsrna", budget=1)
    with pytest.raises(InvalidInputError, match="gradient: expected none with strategy random"):
        run_search(value, strategy="random", budget=1, gradient=options())
    with pytest.raises(InvalidInputError, match="preset: expected one of"):
        make_search("darts", gradient=GradientOptions("random", preset="huge"))
    with pytest.raises(InvalidInputError, match="changes: expected one of"):
        make_search("darts", gradient=GradientOptions("random", changes={"size": 1}))
    with pytest.raises(InvalidInputError, match="method: expected one of"):
        make_search("arnas", gradient=GradientOptions("random", method={"gamma": 1}))
    with pytest.raises(InvalidInputError, match="preset: expected one of NAS-Bench-201"):
        make_search("arnas", gradient=GradientOptions("random", preset="arnas-paper"))
    with pytest.raises(InvalidInputError, match="workers: expected one with strategy darts"):
        run_search(
            value,
            strategy="darts",
            budget=1,
            gradient=options(),
            storage=tmp_path / "journal.log",
            study="s",
        )
    with pytest.raises(InvalidInputError, match="images: expected a name or folder"):
        SurrobustSampler("darts")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 5}, "seed: expected 0 as in the search to be resumed, got 5"),
        ({"probabilities": [1.0]}, "expected positive numbers of shape"),
        ({"cells": None}, "expected the outcome of a gradient search"),
    ],
)
def test_a_damaged_outcome_is_refused(tmp_path, change, message):
    run_search(value, strategy="darts", budget=1, gradient=options(), out=tmp_path)
    path = tmp_path / "gradient" / "gradient.json"
    document = json.loads(path.read_text()) | change
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match=r"gradient\.json: .*changed or damaged"):
        run_search(value, strategy="darts", budget=2, out=tmp_path, resume=True)
    del document["checksum"]
    path.write_text(json.dumps(document))
    with pytest.raises(InvalidInputError, match=message):
        run_search(value, strategy="darts", budget=2, out=tmp_path, resume=True)
