import hashlib
import io
import os
import struct
import tarfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surrobust._files import sha256
from surrobust._sources import list_archives
from surrobust.errors import ChecksumError, InvalidInputError, MissingMeasurementError
from surrobust.images import IMAGES, ImageSet, decoding, image_set_name, load_images
from surrobust.images.decoding import MOST_PIXELS, read_image


def write_folder(place: Path, *, per_class: int = 4, size: int = 8) -> Path:
    for number, name in enumerate(["cat", "dog"]):
        (place / name).mkdir(parents=True)
        for i in range(per_class):
            colour = (10 * i, 200, 100 * number)
            Image.new("RGB", (size, size), colour).save(place / name / f"{i}.png")
    return place


def write_cifar10(place: Path, *, rows: int = 10_000) -> Path:
    folder = place / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("\n".join(f"class{i}" for i in range(10)) + "\n\n")
    for name in [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]:
        content = np.zeros((rows, 3073), dtype=np.uint8)
        content[:, 0] = np.arange(rows) % 10
        content[:, 1:] = np.arange(3072) % 251
        content.tofile(folder / name)
    return place


@pytest.fixture
def official(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of made files that are taken for the published ones."""
    place = write_cifar10(tmp_path / "made")
    files = (place / "cifar-10-batches-bin").glob("*.bin")
    sums = {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in files}
    monkeypatch.setattr("surrobust.images.cifar.cifar_sums", lambda _: sums)
    return place


@pytest.mark.parametrize("name", ["random", "digits"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_sets_without_files(name: str, split: str) -> None:
    images = load_images(name, split=split, image_size=16, limit=100, seed=1)
    again = load_images(name, split=split, image_size=16, limit=100, seed=1)
    assert images.x.shape == (100, 3, 16, 16)
    assert images.x.dtype == np.uint8
    assert images.image_size == 16
    assert (images.name, images.split, len(images.classes)) == (name, split, 10)
    assert set(images.y.tolist()) <= set(range(10))
    assert np.array_equal(images.x, again.x)
    assert np.array_equal(images.y, again.y)


def test_digits_are_scikit_learns_and_splits_are_apart() -> None:
    from sklearn.datasets import load_digits

    train, test = load_images("digits"), load_images("digits", split="test")
    assert (len(train), len(test)) == (1437, 360)
    assert np.array_equal(test.y, load_digits().target[::5])
    first = np.rint(load_digits().images[0] * 255 / 16)
    assert np.array_equal(test.x[0], np.stack([first] * 3))
    assert train.x.max() == 255


def test_a_batch_is_drawn_without_replacement() -> None:
    images = load_images("random", limit=20)
    x, y = images.batch(50, seed=3)
    assert x.shape == (20, 3, 32, 32)
    assert x.dtype == np.float32
    assert 0 <= x.min() <= x.max() <= 1
    assert sorted(y.tolist()) == sorted(images.y.tolist())
    assert np.array_equal(images.batch(5, seed=3)[1], y[:5])


def test_statistics_by_hand() -> None:
    x = np.zeros((2, 3, 2, 2), dtype=np.uint8)
    x[1, 0] = 255
    x[:, 1] = 51
    mean, deviation = ImageSet("two", "train", x, np.array([0, 0]), ("a",)).statistics
    assert mean == pytest.approx((0.5, 0.2, 0.0))
    assert deviation == pytest.approx((0.5, 0.001, 0.001))


def test_a_folder_by_class(tmp_path: Path) -> None:
    images = load_images(write_folder(tmp_path / "pets"))
    assert images.classes == ("cat", "dog")
    assert images.y.tolist() == [0] * 4 + [1] * 4
    assert images.x[2, :, 0, 0].tolist() == [20, 200, 0]
    assert images.x[7, :, 0, 0].tolist() == [30, 200, 100]
    assert images.name == "pets"


def test_a_folder_with_splits(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", per_class=3)
    write_folder(tmp_path / "test", per_class=2)
    assert len(load_images(tmp_path)) == 6
    assert len(load_images(str(tmp_path), split="test")) == 4


def colours(place: Path, **classes: int) -> None:
    """Write a folder per class with two images of one grey each."""
    for name, grey in classes.items():
        (place / name).mkdir(parents=True)
        for number in range(2):
            Image.new("L", (4, 4), grey).save(place / name / f"{number}.png")


def test_classes_have_one_number_in_both_splits(tmp_path: Path) -> None:
    colours(tmp_path / "train", ant=10, bee=20, cat=30)
    colours(tmp_path / "test", bee=20, cat=30)
    train, test = (load_images(tmp_path, split=split) for split in ("train", "test"))
    assert train.classes == test.classes == ("ant", "bee", "cat")
    for images in (train, test, load_images(tmp_path, split="test", limit=3)):
        assert (images.y == images.x[:, 0, 0, 0] // 10 - 1).all()


def test_a_class_that_is_not_trained_on_is_refused(tmp_path: Path) -> None:
    colours(tmp_path / "train", ant=10, bee=20)
    colours(tmp_path / "test", ant=10, bees=20, cat=30)
    with pytest.raises(InvalidInputError, match=r"test: expected .* in train/, got bees, cat$"):
        load_images(tmp_path, split="test")
    assert len(load_images(tmp_path)) == 4


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    colours(tmp_path / "val" / "train", ant=10, bee=20)
    colours(tmp_path / "val" / "val", ant=10, bee=20)
    with pytest.raises(InvalidInputError, match=r"expected a folder test/ .* got train/, val/"):
        load_images(tmp_path / "val", split="test")
    colours(tmp_path / "half" / "test", ant=10, bee=20)
    for split in ("train", "test"):
        with pytest.raises(InvalidInputError, match=r"expected a folder train/ .* got test/"):
            load_images(tmp_path / "half", split=split)
    colours(tmp_path / "flat", ant=10, bee=20)
    assert len(load_images(tmp_path / "flat")) == 4
    with pytest.raises(InvalidInputError, match=r"expected train/ and test/ .* got ant/, bee/"):
        load_images(tmp_path / "flat", split="test")


def test_what_programs_leave_behind_is_no_class(tmp_path: Path, caplog) -> None:
    for split in ("train", "test"):
        names = {".ipynb_checkpoints": 1, "__MACOSX": 2, "bee": 20, "cat": 30}
        colours(tmp_path / split, **names)
        (tmp_path / split / "cat" / "._0.png").write_bytes(b"not an image")
        (tmp_path / split / "cat" / ".ipynb_checkpoints").mkdir()
    images = load_images(tmp_path, split="test")
    assert images.classes == ("bee", "cat")
    assert images.y.tolist() == [0, 0, 1, 1]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_what_is_left_out_is_told(tmp_path: Path, caplog) -> None:
    colours(tmp_path / "train", bee=20, cat=30)
    colours(tmp_path / "test", bee=20, cat=30)
    colours(tmp_path / "extra", bee=20)
    for name in ("bee/0.jp2", "bee/1.JP2", "cat/notes", "cat/more/1.png", "1.png", "labels.csv"):
        path = tmp_path / "train" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    assert len(load_images(tmp_path)) == 4
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path}: left out: extra/",
        f"{tmp_path / 'train'}: left out: 1 .JP2, 1 .jp2, 1 .png beside the classes, 1 folders in "
        "classes, 1 without an ending",
    ]
    (tmp_path / "train" / "dog").mkdir()
    (tmp_path / "train" / "dog" / "0.jp2").write_bytes(b"")
    with pytest.raises(InvalidInputError, match=r"dog: expected images .*, got 1 \.jp2$"):
        load_images(tmp_path)


ENDINGS = ("bmp", "gif", "jpg", "JPEG", "jpe", "jfif", "png", "ppm", "pgm", "pbm", "pnm")
ENDINGS += ("tif", "tiff", "webp")


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_is_read(tmp_path: Path, ending: str) -> None:
    for name, grey in (("black", 0), ("white", 255)):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8), grey).save(tmp_path / name / f"0.{ending}")
    images = load_images(tmp_path)
    assert images.y.tolist() == [0, 1]
    assert images.x.reshape(2, -1).mean(1).tolist() == [0, 255]


def test_files_of_formats_that_start_programs_are_not_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "cat" / "0.eps")
    (tmp_path / "cat" / "0.eps").rename(tmp_path / "cat" / "0.png")
    with pytest.raises(InvalidInputError, match=r"0\.png: expected a readable image"):
        load_images(tmp_path)


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
showpage
"""


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_image_starts_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("gs", "gswin64c", "djpeg", "xv", "display"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    place = write_folder(tmp_path / "images")
    (place / "cat" / f"x.{ending}").write_bytes(EPS)
    with pytest.raises(InvalidInputError, match=rf"x\.{ending}: expected a readable image"):
        load_images(place)
    with pytest.raises(InvalidInputError, match="expected a readable image"):
        read_image(place / "cat" / f"x.{ending}", 8)
    assert not (tmp_path / "started").exists()


def png(width: int, height: int) -> bytes:
    """Return a file of a few bytes that says it has that many pixels of one bit."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width // 8 + 1) * height) if width * height < 2**27 else b"")
    parts = chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def gif(width: int, height: int) -> bytes:
    """Return a file whose screen says it has that many pixels."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "GIF")
    content = buffer.getvalue()
    return content[:6] + struct.pack("<HH", width, height) + content[10:]


BOMBS = {
    "a.png": (png(8193, 8192), 8193 * 8192),
    "b.png": (png(10_000, 10_000), 10**8),  # Pillow warns
    "c.png": (png(50_000, 50_000), 25 * 10**8),  # Pillow raises
    "d.png": (png(2**31 - 1, 2**31 - 1), (2**31 - 1) ** 2),
    "e.ppm": (b"P6 40000 40000 255\n", 16 * 10**8),
    "f.bmp": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", *(99, 0, 0, 54, 40, 60000, 60000, 1, 24), *[0] * 6),
        36 * 10**8,
    ),
    "g.gif": (gif(60_000, 60_000), 36 * 10**8),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_be_too_many_pixels_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def decode(*_: object) -> None:
        raise AssertionError

    content, pixels = BOMBS[name]
    place = write_folder(tmp_path / "images")
    (place / "cat" / name).write_bytes(content)
    told = rf"{name}: expected an image of at most {MOST_PIXELS} pixels, got {pixels}"
    with pytest.raises(InvalidInputError, match=told):
        load_images(place, image_size=8)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)  # as whoever has large images may set it
    monkeypatch.setattr(decoding, "to_array", decode)
    with pytest.raises(InvalidInputError, match=told):
        read_image(place / "cat" / name, 8)


def test_the_largest_image_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(8192, 8192))
    assert read_image(tmp_path / "a.png", 4).shape == (3, 4, 4)


@pytest.mark.timeout(60)  # a pipe is waited for without end
@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_what_is_no_file_is_no_image(tmp_path: Path) -> None:
    def a_folder(path: Path) -> None:
        path.mkdir()

    odd = {
        "a pipe or device": [os.mkfifo, lambda path: path.symlink_to("/dev/zero")],
        "a folder": [a_folder, lambda path: path.symlink_to(".")],
        "a link to nothing": [lambda path: path.symlink_to(path.name)],
    }
    for told, ways in odd.items():
        for number, make in enumerate(ways):
            place = write_folder(tmp_path / f"{told}-{number}")
            make(place / "cat" / "x.png")
            with pytest.raises(InvalidInputError, match=rf"x\.png: .*readable image, got {told}"):
                load_images(place)


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_folders_that_link_to_themselves_end(tmp_path: Path) -> None:
    place = write_folder(tmp_path / "images")
    expected = load_images(place)
    (place / "loop").symlink_to("loop")
    (place / "cat" / "self").symlink_to(".")
    (place / "cat" / "up").symlink_to("..")
    assert load_images(place).sha256 == expected.sha256
    (place / "round").symlink_to(".")
    with pytest.raises(InvalidInputError, match="round: expected images"):
        load_images(place)
    with pytest.raises(InvalidInputError, match="a folder of images by class"):
        load_images(place / "loop")


GREYS = np.arange(16, dtype=np.uint16).reshape(4, 4)


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
@pytest.mark.parametrize("size", [None, 4])
def test_grey_of_sixteen_bits_is_scaled(tmp_path: Path, ending: str, size: int | None) -> None:
    (tmp_path / "cat").mkdir()
    # Sixteen levels from black to white, 17 apart in eight bits: 4369 = 17 * 257.
    Image.fromarray(GREYS * 4369).save(tmp_path / "cat" / f"0.{ending}")
    (found,) = load_images(tmp_path, image_size=size).x
    assert (found == GREYS * 17).all()
    assert found.mean() == 127.5


def test_sixteen_bits_of_either_byte_order(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray((GREYS * 4369).astype(">u2")).save(tmp_path / "cat" / "0.tif")
    assert (load_images(tmp_path).x[0] == GREYS * 17).all()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_numbers_of_no_known_range_are_refused(tmp_path: Path, dtype: type) -> None:
    (tmp_path / "cat").mkdir()
    Image.fromarray(GREYS.astype(dtype)).save(tmp_path / "cat" / "0.tif")
    with pytest.raises(InvalidInputError, match=r"0\.tif: expected .* whose range is not known"):
        load_images(tmp_path)


def test_names_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cifar10", "pets"):
        colours(tmp_path / name, bee=20, cat=30)
    (tmp_path / "link").symlink_to(tmp_path / "pets")
    assert load_images(tmp_path / "cifar10").name == "cifar10-folder"
    assert load_images(f"{tmp_path}/cifar10").name == "cifar10-folder"
    assert load_images(tmp_path / "link").name == "link"
    monkeypatch.chdir(tmp_path / "pets")
    assert load_images(".").name == load_images("../pets/").name == "pets"
    monkeypatch.chdir(tmp_path)
    assert load_images(Path("cifar10")).name == "cifar10-folder"  # a path is a folder
    assert image_set_name("cifar10") == "cifar10"
    assert image_set_name("/") == "images"


def test_the_checksum_is_that_of_the_content(tmp_path: Path) -> None:
    for name, grey in (("a", 20), ("b", 20), ("c", 21)):
        colours(tmp_path / name, bee=grey, cat=30)
    a, b, c = (load_images(tmp_path / name).sha256 for name in "abc")
    assert a == b != c
    x, y = np.zeros((2, 3, 4, 4), dtype=np.uint8), np.array([0, 1])
    flipped = ImageSet("s", "train", x[:, :, ::-1], y[::-1], ("a", "b"))
    assert flipped.x.flags.c_contiguous
    assert flipped.sha256 != ImageSet("s", "train", x, y, ("a", "b")).sha256


def test_noise_for_testing_is_other_noise() -> None:
    train, test = (load_images("random", split=split) for split in ("train", "test"))
    assert not np.array_equal(train.x, test.x)
    assert train.sha256 == load_images("random").sha256


def test_a_limit_draws_from_all_classes_alike(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, per_class=9)
    drawn = [load_images(folder, limit=6, seed=seed) for seed in (0, 1)]
    assert [np.bincount(images.y).tolist() for images in drawn] == [[3, 3], [3, 3]]
    assert not np.array_equal(drawn[0].x, drawn[1].x)


def test_images_of_other_sizes_are_brought_to_one(tmp_path: Path) -> None:
    write_folder(tmp_path, size=8)
    Image.new("L", (12, 10), 77).save(tmp_path / "cat" / "grey.png")
    images = load_images(tmp_path, image_size=4)
    assert images.x.shape == (9, 3, 4, 4)
    assert (images.x[4] == 77).all()
    with pytest.raises(InvalidInputError, match=r"expected 8 x 8 pixels .* got 12 x 10"):
        load_images(tmp_path)


def test_broken_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="expected a folder per class"):
        load_images(tmp_path)
    folder = write_folder(tmp_path / "pets")
    (folder / "cat" / "0.png").write_bytes(b"not an image")
    with pytest.raises(InvalidInputError, match=r"0\.png: expected a readable image"):
        load_images(folder)
    (folder / "emu").mkdir()
    with pytest.raises(InvalidInputError, match=r"emu: expected images \(\.bmp"):
        load_images(folder)


def test_a_cut_off_image_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, size=64)
    path = folder / "dog" / "1.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InvalidInputError, match=r"1\.png: expected a readable image"):
        load_images(folder)


def test_cifars_official_files(official: Path) -> None:
    train = load_images("cifar10", data_dir=official)
    assert train.x.shape == (50_000, 3, 32, 32)
    assert np.bincount(train.y).tolist() == [5000] * 10
    assert train.classes[3] == "class3"
    # Bytes are red, green, blue, each row by row.
    assert train.x[0, 1, 0, 5] == (1024 + 5) % 251
    test = load_images("cifar10", split="test", data_dir=official, limit=50, image_size=8)
    assert test.x.shape == (50, 3, 8, 8)


def test_cifars_archive_is_read_as_it_is(
    official: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = official
    path = tmp_path / "data" / "cifar" / "made.tar.gz"
    path.parent.mkdir(parents=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(place / "cifar-10-batches-bin", "cifar-10-batches-bin")
    source = replace(list_archives()[0], path="cifar/made.tar.gz", sha256=sha256(path))
    monkeypatch.setattr("surrobust.images.cifar.list_archives", lambda: (source,))
    unpacked = load_images("cifar10", split="test", data_dir=place)
    packed = load_images("cifar10", split="test", data_dir=tmp_path / "data")
    assert np.array_equal(packed.x, unpacked.x)
    assert np.array_equal(packed.y, unpacked.y)
    assert packed.classes == unpacked.classes
    path.write_bytes(path.read_bytes() + b"0")
    with pytest.raises(ChecksumError, match=r"made\.tar\.gz: expected sha256"):
        load_images("cifar10", data_dir=tmp_path / "data")


def test_broken_official_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingMeasurementError, match="run surrobust data fetch cifar10"):
        load_images("cifar10", data_dir=tmp_path)
    write_cifar10(tmp_path, rows=9)
    with pytest.raises(InvalidInputError, match="expected 30730000 bytes"):
        load_images("cifar10", data_dir=tmp_path)


@pytest.mark.parametrize("place", [0, 1, 3073 * 5000, 3073 * 10_000 - 1])
def test_one_changed_bit_of_an_official_file_is_seen(official: Path, place: int) -> None:
    path = official / "cifar-10-batches-bin" / "test_batch.bin"
    with path.open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(ChecksumError, match=r"test_batch\.bin: expected sha1 .*folder of images"):
        load_images("cifar10", split="test", data_dir=official)
    load_images("cifar10", split="train", data_dir=official)


def test_files_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    write_cifar10(tmp_path)
    with pytest.raises(ChecksumError, match=r"expected sha1 67eb016db431130d61cd03c7ad570b01379"):
        load_images("cifar10", split="test", data_dir=tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (b"cat\xff\n" * 10, "expected UTF-8 text, got byte 0xff"),
        (b"cat\n" * 9, "expected 10 names, got 9"),
        (b"", "expected 10 names, got 0"),
    ],
)
def test_names_of_classes_that_are_damaged_are_refused(
    official: Path, names: bytes, message: str
) -> None:
    (official / "cifar-10-batches-bin" / "batches.meta.txt").write_bytes(names)
    with pytest.raises(InvalidInputError, match=rf"batches\.meta\.txt: {message}"):
        load_images("cifar10", split="test", data_dir=official)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"images": "cifar11"},
            "images: expected one of random, digits, cifar10, cifar100, imagenet16-120 or",
        ),
        ({"images": "digits", "split": "valid"}, "split: expected one of train, test"),
        ({"images": "digits", "limit": 0}, "limit: expected an integer of at least 1"),
        ({"images": "digits", "image_size": -1}, "image_size: expected an integer"),
        (
            {"images": "digits", "image_size": 4097},
            "integer from 1 to 4096",
        ),
    ],
)
def test_wrong_options_are_refused(options, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        load_images(**options)


def test_a_set_checks_what_it_is_made_of() -> None:
    x, y = np.zeros((2, 3, 4, 4), dtype=np.uint8), np.array([0, 1])
    with pytest.raises(InvalidInputError, match="x: expected uint8 of shape"):
        ImageSet("s", "train", x[:, :1], y, ("a", "b"))
    with pytest.raises(InvalidInputError, match="y: expected shape"):
        ImageSet("s", "train", x, y[:1], ("a", "b"))
    with pytest.raises(InvalidInputError, match="y: expected classes 0 to 0, got 0 to 1"):
        ImageSet("s", "train", x, y, ("a",))


def test_the_registry_has_the_names_of_the_documentation() -> None:
    assert list(IMAGES) == ["random", "digits", "cifar10", "cifar100", "imagenet16-120"]
