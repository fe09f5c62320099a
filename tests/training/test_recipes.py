import dataclasses
import json
import math

import numpy as np
import pytest

import surrobust as sr
from surrobust.errors import InvalidInputError
from surrobust.spaces import DARTS_SPACES, Architecture
from surrobust.training import RECIPES, InnerAttack, OneCycle


def test_robbench201_to_the_letter():
    recipe = RECIPES["robbench201"]
    assert recipe.attack == InnerAttack(7, 8 / 255, 2 / 255, start="ball", modes="eval")
    assert (recipe.loss, recipe.epochs, recipe.batch_size) == ("adversarial", 50, 256)
    assert (recipe.channels, recipe.cells, recipe.precision) == (16, 5, "fp32")
    assert (recipe.weight_decay, recipe.crop, recipe.flip) == (5e-4, True, True)
    assert recipe.schedule == OneCycle(0.1)
    assert recipe.metrics == ("fgsm-3", "pgd-3", "fgsm-8", "pgd-8")


def test_arnas_to_the_letter():
    recipe = RECIPES["arnas"]
    assert recipe.attack == InnerAttack(7, 8 / 255, 0.01, start="near", modes="eval")
    assert (recipe.loss, recipe.epochs, recipe.batch_size) == ("adversarial", 200, 32)
    assert (recipe.channels, recipe.cells, recipe.precision) == (64, 20, "fp32")
    assert (recipe.weight_decay, recipe.crop, recipe.flip) == (1e-4, True, True)
    assert (recipe.clip, recipe.cutout, recipe.auxiliary) == (5.0, 0.5, 0.4)
    assert recipe.drop_path is None
    values = recipe.schedule.values(200 * 3)
    np.testing.assert_allclose(values[:297], [[0.1, 0.9]] * 297)
    np.testing.assert_allclose(values[297:447], [[0.01, 0.9]] * 150)
    np.testing.assert_allclose(values[447:], [[0.001, 0.9]] * 153)


def test_nasbench201_to_the_letter():
    recipe = RECIPES["nasbench201"]
    assert (recipe.loss, recipe.attack, recipe.epochs) == ("clean", None, 200)
    assert (recipe.batch_size, recipe.weight_decay, recipe.nesterov) == (256, 5e-4, True)
    assert (recipe.channels, recipe.cells, recipe.precision) == (16, 5, "fp32")
    assert (recipe.crop, recipe.flip, recipe.n_images, recipe.clip) == (True, True, None, None)
    values = recipe.schedule.values(200 * 196, 200).reshape(200, 196, 2)
    assert (values == values[:, :1]).all()  # the same in all 196 steps of an epoch
    assert (values[:, 0, 1] == 0.9).all()
    # .1 (1 + cos(pi e / 200)) / 2: cos(pi / 4) = .70710678, and 1 - cos x is x squared halves.
    by_hand = {0: 0.1, 50: 0.0853553391, 100: 0.05, 150: 0.0146446609, 199: 6.1684e-6}
    for epoch, rate in by_hand.items():
        assert values[epoch, 0, 0] == pytest.approx(rate, rel=1e-4)
    assert (recipe.evaluation, recipe.metrics[1]) == ("jung2023", "pgd-1")


def test_settings_are_those_that_earlier_versions_recorded():
    # Records and checkpoints name a training by them; what is new is said where it is used.
    for name in ("robbench201", "smoke", "arnas", "dsrna"):
        assert not {"nesterov", "evaluation", "metrics"} & set(RECIPES[name].settings)
    assert set(RECIPES["dsrna"].settings["schedule"]) == {"kind", "rate", "end", "momentum"}
    settings = RECIPES["nasbench201"].settings
    assert settings["nesterov"] is True
    assert settings["schedule"]["by"] == "epoch"


@pytest.mark.parametrize("name", ["arnas", "dsrna"])
def test_recipes_of_genotypes_are_not_for_cells(name):
    told = f"recipe: expected one for cells of NAS-Bench-201 such as robbench201, got {name}"
    with pytest.raises(InvalidInputError, match=told):
        RECIPES[name].check_fits(Architecture.parse(2581))
    with pytest.raises(InvalidInputError, match=told):
        sr.verify(2581, recipe=name, images="digits", device="cpu")
    (genotype,) = DARTS_SPACES["darts"].sample(1, seed=0)
    for every in RECIPES.values():
        every.check_fits(genotype)


@pytest.mark.parametrize("name", RECIPES)
def test_laws_of_recipes(name):
    recipe = RECIPES[name]
    assert recipe.name == name
    assert (recipe.attack is None) == (recipe.loss == "clean")
    document = json.loads(json.dumps(recipe.to_document()))
    assert set(document) == {field.name for field in dataclasses.fields(recipe)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 1  # type: ignore[misc]


def test_fidelity_is_explicit():
    recipe = RECIPES["fast"]
    small = recipe.with_(epochs=2, channels=4, cells=1, images=100)
    assert small.fidelity == {
        "epochs": 2,
        "channels": 4,
        "cells": 1,
        "n_images": 100,
        "precision": "bf16",
    }
    assert dataclasses.replace(small, epochs=15, channels=16, cells=5, n_images=None) == recipe
    assert recipe.with_() == recipe


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 0}, "epochs: expected an integer of at least 1, got 0"),
        ({"images": 1}, "n_images: expected an integer of at least 2, got 1"),
        ({"precision": "fp8"}, "precision: expected one of fp32, bf16"),
    ],
)
def test_wrong_fidelities_are_refused(change, told):
    with pytest.raises(InvalidInputError, match=told):
        RECIPES["smoke"].with_(**change)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"drop_path": 1.0}, "drop_path: expected None or a number from 0 to 0.99, got 1.0"),
        ({"cutout": 16}, "cutout: expected None or a number from 0 to 1, got 16"),
        ({"clip": -1.0}, "clip: expected None or a number from 0 to inf, got -1.0"),
    ],
)
def test_wrong_numbers_are_refused(change, told):
    with pytest.raises(InvalidInputError, match=told):
        dataclasses.replace(RECIPES["dsrna"], **change)


@pytest.mark.parametrize("name", ["weight_decay", "beta", "clip"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_of_recipes_are_finite(name, value):
    # A record says them in JSON, after the training.
    with pytest.raises(InvalidInputError, match=f"{name}: expected a finite number, got {value}"):
        dataclasses.replace(RECIPES["smoke"], **{name: value})
