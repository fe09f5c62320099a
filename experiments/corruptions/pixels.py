"""Our corruptions beside the makers' own code, pixel by pixel, with the same random numbers.

``--images`` is CIFAR-10 by class, ``--frost`` and ``--maker`` are as of the experiment.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from experiments.corruptions.makers import Make, load_maker
from experiments.corruptions.network import load_tested
from experiments.frame import Experiment, Key
from surrobust.errors import InvalidInputError
from surrobust.images.corruptions import SEVERITIES, corrupt
from surrobust.images.corruptions.noise_and_blur import GLASS

NAMES = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow", "frost", "fog")
NAMES += ("elastic_transform", "brightness", "contrast", "pixelate", "jpeg_compression")


@dataclass(frozen=True)
class Row:
    """Absolute differences of values, of 255."""

    corruption: str
    severity: int
    images: int
    max: int
    mean: Annotated[float, ""]


def keys(corruptions=NAMES) -> Iterator[Key]:
    yield from ((name,) for name in corruptions)


def measure(
    corruption: str,
    *,
    images: str | None = None,
    frost: str | None = None,
    maker: str | None = None,
    n: int = 10,
) -> Iterator[Row]:
    if frost is None or maker is None:
        msg = f"expected --frost and --maker, got {frost} and {maker}"
        raise InvalidInputError(msg)
    make = load_maker(Path(maker))
    found = load_tested(images, n).x
    for severity in SEVERITIES:
        each = [compare(make, image, corruption, severity, Path(frost)) for image in found]
        largest, mean = int(np.max(each)), round(float(np.mean(each)), 4)
        yield Row(corruption, severity, len(found), largest, mean)


def compare(make: Make, image: np.ndarray, name: str, severity: int, frost: Path) -> np.ndarray:
    """Return the absolute differences of an image ``(3, 32, 32)``, of 255."""
    ours = corrupt(image[None], name, severity, frost=frost)[0]
    # Their elastic transform has places as column and row, ours as row and column.
    turned = name == "elastic_transform"
    given = image.transpose(0, 2, 1) if turned else image
    with answering(name, severity, np.random.default_rng([0, 0])):
        theirs = make(given[None], name, severity)[0]
    theirs = theirs.transpose(0, 2, 1) if turned else theirs
    return np.abs(ours.astype(int) - theirs)


@contextmanager
def answering(name: str, severity: int, rng: np.random.Generator) -> Iterator[None]:
    """Let NumPy's global generator answer what ours answers to the same corruption."""
    answers: dict[str, Callable[..., Any]] = {
        "normal": lambda size, loc, scale: rng.normal(loc, scale, size=size),
        "uniform": lambda low, high, size=None: rng.uniform(low, high, size=size),
        "randint": lambda low, high=None: int(rng.integers(low if high is None else high)),
    }
    if name == "glass_blur":
        moves = glass_moves(severity, rng)
        answers["randint"] = lambda *_, **__: next(moves)
    if name == "fog":  # theirs is 100 times as high at first, and squared; it is scaled in the end
        answers["uniform"] = lambda _, high, size: 100 * high * rng.uniform(-1, 1, size=size)
    if name == "elastic_transform":
        calls = iter(range(3))
        answers["uniform"] = lambda low, high, size: turn(
            rng.uniform(low, high, size=size), next(calls)
        )
    kept = {method: getattr(np.random, method) for method in answers}
    for method, answer in answers.items():
        setattr(np.random, method, answer)
    try:
        yield
    finally:
        for method, real in kept.items():
            setattr(np.random, method, real)


def turn(drawn: np.ndarray, call: int) -> np.ndarray:
    """Return points as they are and maps of shifts turned, for an image that is turned."""
    return drawn.T if call else drawn


def glass_moves(severity: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the moves of each pixel, to the right and down, in the order of the makers' loops."""
    _, reach, rounds = GLASS[severity - 1]
    for _ in range(rounds):
        moves = rng.integers(-reach, reach, size=(32, 32, 2))
        for row in range(32 - reach, reach, -1):
            for column in range(32 - reach, reach, -1):
                yield moves[row, column][::-1]


def order(row: Row) -> tuple[int, ...]:
    return NAMES.index(row.corruption), row.severity


SMOKE = {"images": "random", "corruptions": ["contrast"], "n": 1}
experiment = Experiment(
    __doc__, Path(__file__).with_name("pixels.csv"), Row, keys, measure, smoke=SMOKE, order=order
)

if __name__ == "__main__":
    experiment.main()
