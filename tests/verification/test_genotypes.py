"""Genotypes by the recipes of their papers, from training to record."""

import pytest

import surrobust as sr
from surrobust.errors import InvalidInputError
from surrobust.spaces import DARTS_SPACES
from surrobust.verification import make_plan, run_several

SMALL = {
    **{"images": "digits", "device": "cpu", "epochs": 1, "channels": 1, "cells": 3},
    **{"n_images": 64, "n_test": 32, "attacks": ["fgsm-8"]},
}


def test_a_record_and_a_table_of_it(tmp_path):
    (genotype,) = DARTS_SPACES["arnas"].sample(1, seed=0)
    out = tmp_path / "records.jsonl"
    record = sr.verify(genotype, recipe="arnas", out=out, **SMALL)
    assert (record["recipe"], record["architecture"]) == ("arnas", genotype.genotype)
    assert set(record["accuracy"]) == {"clean", "fgsm-8"}
    assert sr.verify(genotype.text, recipe="arnas", out=out, **SMALL) == record


def test_a_recipe_that_is_not_for_a_cell_is_refused_before_anything_is_trained():
    (genotype,) = DARTS_SPACES["darts"].sample(1, seed=0)
    plan = make_plan("dsrna", **SMALL)
    told: list[object] = []
    runs = run_several(
        [genotype, sr.Architecture.parse(2581)], plan, report=lambda *_: told.append(1)
    )
    with pytest.raises(InvalidInputError, match="recipe: expected one for cells of NAS-Bench-201"):
        next(runs)
    assert told == []
