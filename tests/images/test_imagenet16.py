"""ImageNet16-120 from files laid out as the official ones."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from surrobust.errors import ChecksumError, InvalidInputError, MissingMeasurementError
from surrobust.images import imagenet16, load_images
from surrobust.images.pickled import read_pickled


def made_entry(n: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, (n, 768), dtype=np.uint8)
    labels = rng.integers(1, 240, n).tolist()
    return {"data": data, "labels": labels, "mean": data.mean(0)}


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small files, whose sums stand in the place of the published ones."""
    place = tmp_path / "ImageNet16"
    place.mkdir()
    sums = {}
    for seed, name in enumerate(imagenet16.imagenet16_sums()):
        content = pickle.dumps(made_entry(40, seed), protocol=2)
        (place / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(imagenet16, "imagenet16_sums", lambda: sums)
    return tmp_path


def test_the_first_120_classes_are_read(official):
    images = load_images("imagenet16-120", split="train", data_dir=official)
    entries = [made_entry(40, seed) for seed in range(10)]
    labels = np.concatenate([entry["labels"] for entry in entries])
    data = np.concatenate([entry["data"] for entry in entries])
    kept = labels <= 120
    assert len(images.classes) == 120
    np.testing.assert_array_equal(images.y, labels[kept] - 1)
    np.testing.assert_array_equal(images.x, data[kept].reshape(-1, 3, 16, 16))
    assert load_images("imagenet16-120", split="test", data_dir=official).image_size == 16


def test_the_published_files_are_eleven():
    sums = imagenet16.imagenet16_sums()
    assert len(sums) == 11
    assert all(len(value) == 32 for value in sums.values())


def test_files_that_are_not_there_or_changed_are_told(official, tmp_path):
    (official / "ImageNet16" / "val_data").write_bytes(b"")
    with pytest.raises(ChecksumError, match="val_data: expected md5"):
        load_images("imagenet16-120", split="test", data_dir=official)
    with pytest.raises(MissingMeasurementError, match="train_data_batch_1 to train_data_batch_10"):
        load_images("imagenet16-120", data_dir=tmp_path / "nothing")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_values_of_every_protocol(protocol):
    value = {
        "data": np.arange(6, dtype=np.uint8).reshape(2, 3),
        "mean": np.arange(4.0).reshape(2, 2).T.copy(order="F"),
        "labels": [1, 2, 70000, -5, 2**40],
        "name": "text",
        "nothing": None,
        "both": (True, False),
        "many": [1.5, "a", b"b", [], {}, (), (1,), (1, 2, 3, 4)],
    }
    found = read_pickled(pickle.dumps(value, protocol=protocol), name="it")
    assert set(found) == set(value)
    for key, expected in value.items():
        if isinstance(expected, np.ndarray):
            assert found[key].dtype == expected.dtype
            np.testing.assert_array_equal(found[key], expected)
        else:
            assert found[key] == expected


class Harmful:
    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("harm"),))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"data": Harmful()}, "got a call of"),
        ({"data": np.array([Harmful()], dtype=object)}, "expected a pickle of numbers and arrays"),
        ({"data": {1, 2}}, "got the instruction EMPTY_SET"),
    ],
)
def test_nothing_is_run(value, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=told):
        read_pickled(pickle.dumps(value, protocol=4), name="it")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 10, 100, 200])
def test_damaged_pickles_are_told(cut):
    content = pickle.dumps(made_entry(2, 0), protocol=2)
    with pytest.raises(InvalidInputError, match="it: expected a pickle of numbers and arrays"):
        read_pickled(content[:-cut], name="it")
