import dataclasses
import json

import pytest

from surrobust.errors import InvalidInputError
from surrobust.training import RECIPES, InnerAttack, OneCycle


def test_robbench201_to_the_letter():
    recipe = RECIPES["robbench201"]
    assert recipe.attack == InnerAttack(7, 8 / 255, 2 / 255, start="ball", modes="eval")
    assert (recipe.loss, recipe.epochs, recipe.batch_size) == ("adversarial", 50, 256)
    assert (recipe.channels, recipe.cells, recipe.precision) == (16, 5, "fp32")
    assert (recipe.weight_decay, recipe.crop, recipe.flip) == (5e-4, True, True)
    assert recipe.schedule == OneCycle(0.1)
    assert recipe.metrics == ("fgsm-3", "pgd-3", "fgsm-8", "pgd-8")


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
