"""What was decoded is kept beside the folder, and taken from there only if nothing has changed."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save, save_file

from surrobust.images import ImageSet, cache, folder, load_images
from surrobust.images.decoding import read_images

PER_CLASS = 6


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with splits that is large enough for a cache."""
    monkeypatch.setattr(folder, "_KEPT", 4)
    rng = np.random.default_rng(3)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            place = tmp_path / "pets" / split / name
            place.mkdir(parents=True)
            for i in range(PER_CLASS):
                noise = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(noise).save(place / f"{i}.bmp")
    return tmp_path / "pets"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many files were decoded, call by call."""
    counts: list[int] = []

    def note(paths, size):
        counts.append(len(paths))
        return read_images(paths, size)

    monkeypatch.setattr(folder, "read_images", note)
    return counts


def kept(pets: Path) -> list[str]:
    return sorted(path.name for path in pets.parent.iterdir() if path != pets)


def assert_same(got: ImageSet, expected: ImageSet) -> None:
    for name in ("name", "split", "classes"):
        assert getattr(got, name) == getattr(expected, name)
    for name in ("x", "y"):
        one, other = getattr(got, name), getattr(expected, name)
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
        assert one.flags.writeable


def test_the_second_reading_decodes_nothing(pets, decoded, caplog) -> None:
    with caplog.at_level("INFO"):
        first = load_images(pets)
        assert kept(pets) == ["pets.train.images.safetensors"]
        assert_same(load_images(pets), first)
    assert decoded == [12]
    assert "12 decoded images are taken from here" in caplog.text
    assert not [record for record in caplog.records if record.levelname != "INFO"]


def test_splits_and_sizes_are_kept_apart(pets, decoded) -> None:
    options = [{}, {"split": "test"}, {"image_size": 4}, {"image_size": 5}]
    first = [load_images(pets, **some) for some in options]
    again = [load_images(pets, **some) for some in options]
    for got, expected in zip(again, first, strict=True):
        assert_same(got, expected)
    assert decoded == [12] * 4
    assert kept(pets) == [
        "pets.test.images.safetensors",
        "pets.train.images-4.safetensors",
        "pets.train.images-5.safetensors",
        "pets.train.images.safetensors",
    ]


def test_a_folder_without_splits_and_one_without_a_name(pets, decoded, monkeypatch) -> None:
    load_images(pets / "train")
    assert (pets / "train.images.safetensors").is_file()
    monkeypatch.chdir(pets)
    load_images(".")
    assert kept(pets) == ["pets.train.images.safetensors"]


def test_one_size_is_not_taken_for_another(pets, decoded) -> None:
    load_images(pets, image_size=4)
    (pets.parent / "pets.train.images-4.safetensors").rename(
        pets.parent / "pets.train.images.safetensors"
    )
    assert load_images(pets).image_size == 8


def rename(place: Path) -> None:
    (place / "0.bmp").rename(place / "00.bmp")


def add(place: Path) -> None:
    Image.new("RGB", (8, 8)).save(place / "9.bmp")


def remove(place: Path) -> None:
    (place / "3.bmp").unlink()


def rename_class(place: Path) -> None:
    place.rename(place.with_name("emu"))


def change(place: Path) -> None:
    path = place / "2.bmp"
    before = path.stat()
    path.write_bytes(path.read_bytes()[:-3] + b"abc")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert path.stat().st_size == before.st_size


def grow(place: Path) -> None:
    path = place / "2.bmp"
    before = path.stat()
    path.write_bytes(path.read_bytes() + b"abc")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("alter", [rename, add, remove, rename_class, change, grow])
def test_what_has_changed_is_decoded_anew(pets, decoded, alter) -> None:
    load_images(pets)
    alter(pets / "train" / "dog")
    now = load_images(pets)
    paths = sorted((pets / "train").glob("*/*"))
    assert decoded == [12, len(paths)]
    assert now.x.tobytes() == np.stack(read_images(paths, None)).tobytes()
    assert_same(load_images(pets), now)
    assert len(decoded) == 2


def test_another_pillow_or_format_is_not_trusted(pets, decoded, monkeypatch) -> None:
    load_images(pets)
    monkeypatch.setattr(cache, "_VERSION", -1)
    load_images(pets)
    monkeypatch.setattr(cache.PIL, "__version__", "0.1")
    load_images(pets)
    assert decoded == [12] * 3


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda sound: sound[:0], "not usable"),
        (lambda sound: sound[:50], "not usable"),
        (lambda sound: sound[:-1], "not usable"),
        (lambda sound: sound[::-1], "not usable"),
        (
            lambda sound: sound[:-1] + bytes([sound[-1] ^ 1]),
            "expected other pixels by their sha256",
        ),
        (lambda sound: save({"x": np.frombuffer(sound, np.uint8)}), "of other files"),
    ],
    ids=["empty", "header cut off", "pixels cut off", "noise", "a bit", "foreign"],
)
def test_a_damaged_cache_is_written_anew(pets, decoded, caplog, damage, told: str) -> None:
    first = load_images(pets)
    path = pets.parent / "pets.train.images.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level("INFO"):
        assert_same(load_images(pets), first)
    assert told in caplog.text
    assert_same(load_images(pets), first)
    assert decoded == [12, 12]


@pytest.mark.parametrize("x", [np.zeros((12, 3, 8, 8)), np.zeros((11, 3, 8, 8), np.uint8), None])
def test_arrays_of_another_kind_are_not_trusted(pets, decoded, monkeypatch, x) -> None:
    first = load_images(pets)
    path = pets.parent / "pets.train.images.safetensors"
    with safe_open(str(path), framework="np") as file:
        metadata = dict(file.metadata())
    if x is None:
        save_file({"z": load_file(path)["x"]}, path, metadata=metadata)
    else:
        save_file({"x": x}, path, metadata=metadata | {cache._PIXELS: cache._sha256(x)})
    assert_same(load_images(pets), first)
    assert decoded == [12, 12]


def test_a_folder_that_cannot_be_written_beside(pets, decoded, monkeypatch, caplog) -> None:
    def refuse(path, content):
        raise OSError(30, "Read-only file system")

    expected = load_images(pets / "train")
    monkeypatch.setattr(cache, "write_bytes", refuse)
    with caplog.at_level("INFO"):
        got = load_images(pets)
    assert got.x.tobytes() == expected.x.tobytes()
    assert "not written: [Errno 30] Read-only file system" in caplog.text
    assert kept(pets) == []


def test_a_folder_in_the_place_of_the_cache(pets, decoded) -> None:
    (pets.parent / "pets.train.images.safetensors").mkdir()
    assert len(load_images(pets)) == 12


@pytest.mark.parametrize("limit", [3, 7, 12, 50])
def test_draws_are_the_same_with_and_without_a_cache(pets, decoded, limit: int) -> None:
    seed = np.random.default_rng(4)
    expected = load_images(pets, limit=limit, seed=np.random.default_rng(4))
    assert kept(pets) == []  # a draw is not the whole split
    load_images(pets)
    assert_same(load_images(pets, limit=limit, seed=seed), expected)
    assert decoded == [min(limit, 12), 12]


def test_a_small_draw_looks_at_its_own_files_only(pets, decoded, monkeypatch) -> None:
    monkeypatch.setattr(folder, "_SHARE", 0.5)
    load_images(pets)
    load_images(pets, limit=5)
    load_images(pets, limit=6)
    assert decoded == [12, 5]


def test_small_folders_and_large_arrays_are_not_kept(pets, decoded, monkeypatch, caplog) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_KEPT", 13)
        load_images(pets)
    monkeypatch.setattr(cache, "_LARGEST", 12 * 3 * 64 - 1)
    with caplog.at_level("INFO"):
        load_images(pets)
    assert "not written, 2304 bytes are many" in caplog.text
    assert kept(pets) == []


def test_a_broken_link_is_told_of_as_ever(pets) -> None:
    (pets / "train" / "dog" / "4.bmp").unlink()
    (pets / "train" / "dog" / "4.bmp").symlink_to("nowhere")
    with pytest.raises(ValueError, match=r"4\.bmp: expected a readable image"):
        load_images(pets)
