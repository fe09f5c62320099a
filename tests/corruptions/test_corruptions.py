"""The fifteen corruptions, and the published arrays."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from surrobust.corruptions import CORRUPTIONS, SEVERITIES, corrupt, load_published
from surrobust.corruptions.blurs import blur_along, disc, zoom_in
from surrobust.corruptions.weather import plasma
from surrobust.errors import InvalidInputError

NAMES = list(CORRUPTIONS)
RANDOM = set(NAMES) - {
    "defocus_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
}
UNEVEN = {"glass_blur", "elastic_transform", "snow", "frost"}
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


@pytest.mark.parametrize("name", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur"])
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
