"""An experiment of four rows, in a module that other processes can import."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

from experiments.frame import Experiment, Key, Lines, Number
from experiments.markdown import spread, table


@dataclass(frozen=True)
class Row:
    way: str
    seed: int
    tau: float
    seconds: Annotated[float, ".2f"]
    found_at: Annotated[Number, ".0f", ""]


def keys(ways: tuple[str, ...] = ("b", "a"), seeds: tuple[int, ...] = (0, 1)) -> Iterator[Key]:
    yield from product(ways, seeds)


def measure(way: str, seed: int, *, scale: int = 1) -> Row:
    return Row(way, seed, scale / 3, 0.5, Number(7 if seed else "nan"))


def tables(rows: list[Row]) -> Lines:
    yield "\n### Seconds"
    body = ([way, spread([row.seconds for row in rows if row.way == way])] for way in ("a", "b"))
    yield from table(["", "mean"], body)


def draw(rows: list[Row], path: Path) -> None:
    path.write_text(f"{len(rows)} rows")


experiment = Experiment(
    "Why?",
    Path(__file__).with_name("none.csv"),
    Row,
    keys,
    measure,
    tables,
    {"figure.png": draw},
    smoke={"ways": ["a"], "scale": 3},
)
