"""Our corruptions beside the makers' own code, pixel by pixel, with the same random numbers.

python experiments/corruptions/pixels.py --images DIR --frost DIR --maker FILE; see run.py.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from run import load_maker

from surrobust._files import write_text
from surrobust.images import load_images
from surrobust.images.corruptions import SEVERITIES, corrupt
from surrobust.images.corruptions.noise_and_blur import GLASS

HERE = Path(__file__).parent
NAMES = ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "snow", "frost", "fog")
NAMES += ("elastic_transform", "brightness", "contrast", "pixelate", "jpeg_compression")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", required=True)
    parser.add_argument("--frost", type=Path, required=True)
    parser.add_argument("--maker", type=Path, required=True)
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--out", type=Path, default=HERE / "pixels.csv")
    options = parser.parse_args()
    make = load_maker(options.maker)
    images = load_images(options.images, split="test", limit=options.n, seed=0).x
    rows = []
    for name in NAMES:
        for severity in SEVERITIES:
            difference = np.stack(
                [compare(make, image, name, severity, options.frost) for image in images]
            )
            row = {"corruption": name, "severity": severity, "images": len(images)}
            row |= {"max": int(difference.max()), "mean": round(float(difference.mean()), 4)}
            rows.append(row)
        print(pd.DataFrame(rows[-5:]).to_string(header=False, index=False), flush=True)
    write_text(options.out, pd.DataFrame(rows).to_csv(index=False))


def compare(make, image: np.ndarray, name: str, severity: int, frost: Path) -> np.ndarray:
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


if __name__ == "__main__":
    main()
