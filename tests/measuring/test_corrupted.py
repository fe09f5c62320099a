"""Accuracy under corruptions, of networks whose answers are known."""

import numpy as np
import pytest
import torch

from surrobust.errors import InvalidInputError
from surrobust.images import load_images
from surrobust.images.corruptions import SEVERITIES, corrupt
from surrobust.measuring import measure_corrupted
from surrobust.measuring.corrupted import name_source


def always_first(x):
    return torch.eye(2)[torch.zeros(len(x), dtype=torch.int64)]


def brighter_than_half(x):
    bright = x.mean(dim=(1, 2, 3)) > 0.5
    return torch.eye(2)[bright.long()]


@pytest.fixture
def images():
    return load_images("digits", split="test").x[:6]


def test_a_network_that_always_says_one_class_by_hand(images):
    labels = np.array([0, 1, 0, 0, 1, 0])
    found = measure_corrupted(always_first, images, labels, corruptions=["fog", "contrast"])
    assert found.value == pytest.approx(4 / 6)
    assert dict(found.by) == {name: pytest.approx((4 / 6,) * 5) for name in ("fog", "contrast")}
    assert (found.n, found.source) == (6, "as published")
    # Each image is right in all of its versions or in none: four ones and two zeros.
    half = 1.959964 * np.std([1, 0, 1, 1, 0, 1], ddof=1) / 6**0.5
    assert (found.lower, found.upper) == pytest.approx((4 / 6 - half, 1.0), abs=1e-6)


def test_each_severity_is_that_of_its_corruption():
    dark = np.full((3, 3, 8, 8), 100, dtype=np.uint8)
    found = measure_corrupted(brighter_than_half, dark, np.ones(3, int), corruptions=["brightness"])
    by_hand = [corrupt(dark, "brightness", s).mean() / 255 > 0.5 for s in SEVERITIES]
    assert found.by["brightness"] == tuple(map(float, by_hand))
    assert found.value == np.mean(by_hand)
    assert 0 < found.value < 1


def test_sources_are_told_apart(images):
    def source(*names: str) -> str:
        labels = np.zeros(6, int)
        return measure_corrupted(
            always_first, images, labels, corruptions=names, severities=[1]
        ).source

    assert source("fog", "zoom_blur") == "as published"
    assert source("fog", "frost") == "as published, ice drawn"
    assert source("fog", "own_zoom_blur", "frost") == "own"
    assert name_source(published=None, frost="here") == "as published"
    assert name_source(published=None, frost=None) == "as published, ice drawn"
    assert name_source(published="data/CIFAR-10-C", frost="here") == "CIFAR-10-C"


def test_published_arrays_come_with_their_own_classes(tmp_path, images):
    arrays = np.zeros((10, 8, 8, 3), dtype=np.uint8)
    arrays[[0, 2]] = 255  # of each severity two images: severity 1 has 0 and 1, severity 2 has 2, 3
    np.save(tmp_path / "fog.npy", arrays)
    np.save(tmp_path / "labels.npy", np.array([1, 0] * 5))
    found = measure_corrupted(
        brighter_than_half, images, np.zeros(6, int), corruptions=["fog"], published=tmp_path
    )
    assert found.by["fog"] == (1.0, 1.0, 0.5, 0.5, 0.5)
    assert (found.n, found.source, found.value) == (2, tmp_path.name, 0.7)
    fewer = measure_corrupted(
        brighter_than_half, images[:1], np.zeros(1, int), corruptions=["fog"], published=tmp_path
    )
    assert fewer.by["fog"] == (1.0, 1.0, 0.0, 0.0, 0.0)


def test_what_was_measured_is_not_measured_again(tmp_path, images):
    labels = np.zeros(6, dtype=np.int64)
    kwargs = {"corruptions": ["contrast"], "checkpoint": tmp_path / "c"}
    first = measure_corrupted(always_first, images, labels, **kwargs)
    assert len(list(tmp_path.iterdir())) == 5

    def never(_):
        raise AssertionError

    assert measure_corrupted(never, images, labels, **kwargs).value == first.value
    with pytest.raises(InvalidInputError, match="another labels"):
        measure_corrupted(always_first, images, labels + 1, **kwargs)


@pytest.mark.parametrize("change", [{"corruptions": []}, {"severities": ()}])
def test_nothing_to_measure_is_refused(images, change):
    with pytest.raises(InvalidInputError, match="corruptions: expected at least one"):
        measure_corrupted(always_first, images, np.zeros(6, int), **change)


def test_another_name_is_refused(images):
    with pytest.raises(InvalidInputError, match="corruption: expected"):
        measure_corrupted(always_first, images, np.zeros(6, int), corruptions=["rain"])
