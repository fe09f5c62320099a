"""The fifteen corruptions, those of our own, and the published arrays."""

import io
import math

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.ndimage import gaussian_filter

from surrobust._files import sha256
from surrobust._sources import Source
from surrobust.errors import ChecksumError, InvalidInputError, MissingMeasurementError
from surrobust.images.corruptions import (
    CORRUPTIONS,
    OWN_CORRUPTIONS,
    SEVERITIES,
    corrupt,
    find_frost,
    load_published,
    photographs,
)
from surrobust.images.corruptions.noise_and_blur import (
    clipped_zoom,
    disc,
    glass_blur,
    move,
    zoom_blur,
)
from surrobust.images.corruptions.own import blur_along, zoom_in
from surrobust.images.corruptions.weather import draw_ice, plasma

NAMES = [*CORRUPTIONS, *OWN_CORRUPTIONS]
RANDOM = set(NAMES) - {
    "defocus_blur",
    "zoom_blur",
    "own_zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
}
UNEVEN = {"glass_blur", "elastic_transform", "snow", "frost"}
UNEVEN |= {f"own_{name}" for name in UNEVEN}
"""Of these the published constants trade one effect for another between severities."""


def scenes(n: int = 6, size: int = 32) -> np.ndarray:
    """Return smooth random colours, as photographs have."""
    noise = np.random.default_rng(0).normal(size=(n, 3, size, size))
    smooth = gaussian_filter(noise, (0, 0, 1.5, 1.5))
    low, high = smooth.min(), smooth.max()
    return ((smooth - low) / (high - low) * 255).astype(np.uint8)


def flat(*colour: int, size: int = 8) -> np.ndarray:
    return np.broadcast_to(np.uint8(colour).reshape(1, 3, 1, 1), (1, 3, size, size)).copy()


@pytest.mark.parametrize("name", NAMES)
def test_laws_of_corruptions(name: str) -> None:
    x = scenes()
    kept = x.copy()
    changed = [corrupt(x, name, severity) for severity in SEVERITIES]
    assert all(found.shape == x.shape and found.dtype == np.uint8 for found in changed)
    assert np.array_equal(x, kept)
    assert np.array_equal(corrupt(x[:1], name, 3), changed[2][:1])  # whatever else is in the batch
    other = corrupt(x, name, 3, seed=1)
    assert np.array_equal(other, changed[2]) == (name not in RANDOM)
    distances = [np.abs(found.astype(int) - x).mean() for found in changed]
    assert 0.5 < distances[-1] < 120
    if name not in UNEVEN:
        assert distances == sorted(distances)
    else:
        assert min(distances) > 0.5


@pytest.mark.parametrize("size", [5, 48])
@pytest.mark.parametrize("name", NAMES)
def test_other_sizes(name: str, size: int) -> None:
    assert corrupt(scenes(1, size), name, 5).shape == (1, 3, size, size)


BLURS = ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"]
BLURS += [f"own_{name}" for name in BLURS[1:]]


@pytest.mark.parametrize("name", BLURS)
@pytest.mark.parametrize("severity", SEVERITIES)
def test_blurs_leave_one_colour_alone(name: str, severity: int) -> None:
    x = flat(10, 100, 200)
    assert np.abs(corrupt(x, name, severity).astype(int) - x).max() <= 1


def test_brightness_and_contrast_by_hand() -> None:
    # Value .4 becomes .7: hue and saturation kept, each channel grows by 7 / 4.
    found = corrupt(flat(102, 51, 0), "brightness", 5)
    assert found[0, :, 0, 0].tolist() == [178, 89, 0]
    assert corrupt(flat(0, 0, 0), "brightness", 1)[0, :, 0, 0].tolist() == [12] * 3
    x = flat(0, 0, 0)
    x[:, :, :, ::2] = 200  # mean 100, so 100 +- 100 * .15
    found = corrupt(x, "contrast", 5)
    assert sorted(set(found.ravel().tolist())) == [85, 115]
    assert np.array_equal(corrupt(flat(9, 99, 199), "contrast", 1), flat(9, 99, 199))


def test_noise_has_the_constants() -> None:
    x = flat(128, 128, 128, size=128)
    spread = [corrupt(x, "gaussian_noise", severity).std() / 255 for severity in SEVERITIES]
    error = (2 * x.size) ** -0.5  # of a standard deviation, relative: .003
    assert spread == pytest.approx([0.04, 0.06, 0.08, 0.09, 0.10], rel=5 * error)
    photons = [500, 250, 100, 75, 50]
    shot = [corrupt(x, "shot_noise", severity).std() / 255 for severity in SEVERITIES]
    assert shot == pytest.approx([(128 / 255 / n) ** 0.5 for n in photons], rel=5 * error)
    for severity, share in zip(SEVERITIES, [0.01, 0.02, 0.03, 0.05, 0.07], strict=True):
        found = corrupt(x, "impulse_noise", severity)
        error = (share / 2 / found.size) ** 0.5
        assert (found == 0).mean() == pytest.approx(share / 2, abs=4 * error)
        assert (found == 255).mean() == pytest.approx(share / 2, abs=4 * error)
        assert ((found == 128) | (found == 0) | (found == 255)).all()


def test_parts_by_hand() -> None:
    # Radius 1 is a plus of five equal pixels, and sigma .01 blurs it by nothing.
    plus = disc(1.0, 0.01)
    assert plus[8, 7:10].tolist() == pytest.approx([0.2] * 3)
    assert plus.sum() == pytest.approx(1)
    spot = np.zeros((9, 9))
    spot[4, 2] = 1.0
    moved = blur_along(spot, 2, 1.0, angle=0.0)
    weights = np.exp([0, -0.5, -2.0])
    assert moved[4, 2:5].tolist() == pytest.approx((weights / weights.sum()).tolist())
    ramp = np.broadcast_to(np.arange(9.0), (9, 9))
    assert zoom_in(ramp, 2.0)[0].tolist() == pytest.approx(np.arange(2, 6.1, 0.5).tolist())
    clouds = plasma((20, 32), 3.0, np.random.default_rng(0))
    assert clouds.shape == (20, 32)
    assert (clouds.min() >= 0, clouds.max() <= 1) == (True, True)


def test_glass_copies_as_was_published() -> None:
    # At the slightest severity the blurs have one pixel, so that what is left are the copies.
    x = scenes(1, 12)[0].transpose(1, 2, 0)
    moves = np.random.default_rng(5).integers(-1, 1, size=(12, 12, 2)).tolist()
    expected = x.tolist()
    for row in reversed(range(2, 12)):
        for column in reversed(range(2, 12)):
            down, right = moves[row][column]
            expected[row][column] = expected[row + down][column + right]
    found = glass_blur(x / 255, 0, np.random.default_rng(5)) * 255
    assert np.rint(found).astype(int).tolist() == expected
    assert np.rint(found)[:2].tolist() == x[:2].tolist()  # nothing is copied there

    # Ours of before exchanged: every pixel was still somewhere.
    def pixels(name: str) -> list:
        return sorted(corrupt(x.transpose(2, 0, 1)[None], name, 1)[0].reshape(3, -1).T.tolist())

    assert pixels("own_glass_blur") == sorted(x.reshape(-1, 3).tolist()) != pixels("glass_blur")


def test_glass_of_stronger_severities_by_hand() -> None:
    # Constant along rows and without copies (none of a row of zeros): two blurs of nine weights.
    column = np.array([0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0], dtype=np.uint8)
    x = np.broadcast_to(column[:, None, None], (11, 11, 3)) / 255

    class Still:
        def integers(self, *_: object, size: tuple[int, ...]) -> np.ndarray:
            return np.zeros(size, dtype=int)

    sigma = 0.4
    bell = [math.exp(-(step**2) / (2 * sigma**2)) for step in range(-2, 3)]
    bell = [value / sum(bell) for value in bell]
    once = [math.floor(255 * value) / 255 for value in bell]  # eight bits in between
    twice = np.convolve(once, bell)
    found = glass_blur(x, 2, Still())[:, 5, 0]  # type: ignore[arg-type]
    assert found[1:10] == pytest.approx(twice, abs=1e-9)


@pytest.mark.parametrize("side", [32, 24])
def test_zooms_are_those_published(side: int) -> None:
    # Along each axis by itself: whole pixels are cut, enlarged from end to end, and cut again.
    ramp = np.arange(side, dtype=np.float64)
    x = np.broadcast_to(ramp[:, None, None] + 100 * ramp[None, :, None], (side, side, 3))
    total, factors = x.copy(), np.arange(1, 1.11, 0.01)
    for factor in factors:
        part = math.ceil(side / factor)
        first, large = (side - part) // 2, round(part * factor)
        places = first + np.arange(large) * (part - 1) / (large - 1)
        cut = (large - side) // 2
        line = places[cut : cut + side]
        assert np.allclose(clipped_zoom(x, factor)[:, :, 0], line[:, None] + 100 * line)
        total = total + (line[:, None] + 100 * line)[:, :, None]
    found = zoom_blur(x, 1, np.random.default_rng(0))
    assert np.allclose(found, total / (len(factors) + 1))


def test_zooms_by_hand() -> None:
    ramp = np.broadcast_to(np.arange(32.0), (32, 32))
    assert clipped_zoom(ramp, 1.01)[0].tolist() == ramp[0].tolist()  # 32.3 pixels are 32
    # 1.02 makes 33 of 32, the last of which is cut off: the corner stays, the other end moves.
    assert clipped_zoom(ramp, 1.02)[0, [0, 16, 31]].tolist() == [0, 15.5, 30.03125]


@pytest.mark.parametrize(
    ("angle", "path"),
    [
        (0, [(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]),
        (-90, [(0, 0), (-1, 0), (-2, 0), (-3, 0), (-4, 0)]),
        (45, [(0, 0), (1, 1), (1, 1), (2, 2), (3, 3)]),  # .71, 1.41, 2.12, 2.83 to whole pixels
    ],
)
def test_motion_by_hand(angle: float, path: list[tuple[int, int]]) -> None:
    spot = np.zeros((11, 11))
    spot[5, 5] = 1.0
    weights = np.exp(-(np.arange(5.0) ** 2) / (2 * 1.5**2))
    expected = np.zeros((11, 11))
    for (down, right), weight in zip(path, weights / weights.sum(), strict=True):
        expected[5 - down, 5 - right] += weight
    found = move(spot, 2, 1.5, angle=angle)
    assert np.array_equal(found, np.floor(expected * 255) / 255)
    edge = np.zeros((11, 11))
    edge[:, -1] = 1.0
    repeated = np.cumsum(weights[::-1])[1:] / weights.sum()
    assert move(edge, 2, 1.5, angle=0)[0, 7:] == pytest.approx(repeated, abs=1 / 255)


def test_an_elastic_transform_interpolates_twice() -> None:
    x = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)  # as fine as can be
    x = np.broadcast_to(x, (4, 3, 32, 32)).copy()

    def fineness(name: str, severity: int) -> float:
        return float(np.abs(np.diff(corrupt(x, name, severity).astype(float), axis=3)).mean())

    assert np.array_equal(
        *(corrupt(x, n, 1) for n in ("elastic_transform", "own_elastic_transform"))
    )
    for severity in (3, 4, 5):
        assert fineness("elastic_transform", severity) < 0.8 * fineness(
            "own_elastic_transform", severity
        )


def test_drawn_ice_is_like_the_photographs() -> None:
    # Of 2000 crops of 32 pixels of the five photographs, a fifth of their size, each as often:
    # mean colour, its spread between crops, spread within, step from pixel to pixel.
    ice = np.stack([draw_ice((32, 32), np.random.default_rng(n)) for n in range(1500)]) * 255
    assert ice.mean(axis=(0, 1, 2)) == pytest.approx([144, 165, 177], abs=5)
    grey = ice.mean(axis=3)
    assert grey.std(axis=(1, 2)).mean() == pytest.approx(22.1, abs=1.5)
    assert np.abs(np.diff(grey, axis=2)).mean() == pytest.approx(18.9, abs=1.5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with two photographs of one colour, but for the pixels that are not taken."""
    made = []
    for number, (colour, kind) in enumerate((((200, 100, 50), "RGBA"), ((10, 20, 30), "RGB"))):
        pixels = np.zeros((60, 75, len(kind)), dtype=np.uint8)
        pixels[2::5, 2::5, :3] = colour
        buffer = io.BytesIO()
        Pillow.fromarray(pixels, kind).save(buffer, "PNG")
        path = tmp_path / "frost" / f"frost{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(buffer.getvalue())
        length = path.stat().st_size
        made.append(
            Source(f"frost/{path.name}", ("frost",), "", sha256(path), length, "none", "Nobody")
        )
    monkeypatch.setattr(photographs, "list_archives", lambda: tuple(made))
    return tmp_path


@pytest.mark.parametrize("size", [8, 20])
def test_frost_of_photographs_by_hand(folder, size: int) -> None:
    # Severity 3: .9 of the image and .4 of every fifth pixel of a photograph, from the third on.
    x = np.broadcast_to(flat(100, 100, 100, size=size), (20, 3, size, size)).copy()
    found = corrupt(x, "frost", 3, frost=folder)
    seen = {tuple(image[:, 0, 0].tolist()) for image in found}
    assert seen == {(170, 130, 110), (94, 98, 102)}
    assert (found == found[:, :, :1, :1]).all()
    assert not np.array_equal(found, corrupt(x, "frost", 3))
    assert np.array_equal(corrupt(x, "fog", 3, frost=folder), corrupt(x, "fog", 3))
    assert find_frost(folder) == folder


def test_photographs_that_are_not_those_are_refused(folder) -> None:
    x = flat(1, 2, 3)
    (folder / "frost" / "frost1.png").write_bytes(b"something else")
    with pytest.raises(ChecksumError, match=r"frost1\.png: expected sha256"):
        corrupt(x, "frost", 1, frost=folder)
    (folder / "frost" / "frost1.png").unlink()
    assert find_frost(folder) is None
    with pytest.raises(MissingMeasurementError, match=r"frost: frost/frost1\.png is not in"):
        corrupt(x, "frost", 1, frost=folder)


def test_published_arrays(tmp_path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), dtype=np.uint8)
    np.save(tmp_path / "fog.npy", images)
    np.save(tmp_path / "labels.npy", np.arange(10, dtype=np.uint8))
    x, y = load_published(tmp_path, "fog", 2)
    assert np.array_equal(x, images[2:4].transpose(0, 3, 1, 2))
    assert (y.tolist(), y.dtype) == ([2, 3], np.int64)
    with pytest.raises(InvalidInputError, match=r"snow\.npy: expected an array of NumPy"):
        load_published(tmp_path, "snow", 1)
    np.save(tmp_path / "snow.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InvalidInputError, match=r"snow\.npy: expected an array of NumPy"):
        load_published(tmp_path, "snow", 1)
    np.save(tmp_path / "frost.npy", images[:7])
    with pytest.raises(InvalidInputError, match=r"frost\.npy: expected uint8 of shape"):
        load_published(tmp_path, "frost", 1)
    np.save(tmp_path / "labels.npy", np.arange(9))
    with pytest.raises(InvalidInputError, match=r"labels\.npy: expected integers of shape \(10,\)"):
        load_published(tmp_path, "fog", 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "rain"}, "corruption: expected one of gaussian_noise"),
        ({"severity": 6}, "severity: expected 1 to 5, got 6"),
        ({"severity": 0}, "severity: expected an integer of at least 1"),
        ({"x": np.zeros((1, 3, 8, 8))}, "x: expected a uint8 array"),
        ({"x": np.zeros((1, 1, 8, 8), dtype=np.uint8)}, "x: expected shape"),
    ],
)
def test_wrong_arguments_are_refused(change, message: str) -> None:
    given = {"x": flat(1, 2, 3), "name": "fog", "severity": 1, **change}
    with pytest.raises(InvalidInputError, match=message):
        corrupt(**given)
