"""Fixtures that every test may use."""

import io
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from surrobust.cli import main
from surrobust.predictors import make_predictor, shipped
from surrobust.spaces import Architecture, NASBench201
from surrobust.testing.predictors import training_cells, training_values

_MARKER_FILE = Path("nasrobbench201hp", "NAS-RobBench-201_html.json")


def _real_data() -> Path | None:
    places = [os.environ.get("SURROBUST_DATA"), Path(__file__).parents[2] / "shared" / "data"]
    for place in places:
        if place and (Path(place) / _MARKER_FILE).is_file():
            return Path(place)
    return None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real tables; the test is skipped where there is none."""
    found = _real_data()
    if found is None:
        if os.environ.get("SURROBUST_REQUIRE_DATA"):
            pytest.fail("SURROBUST_REQUIRE_DATA is set, but the real tables were not found")
        pytest.skip("the real tables are not here: set SURROBUST_DATA or run surrobust data fetch")
    return found


@pytest.fixture(scope="session")
def space() -> NASBench201:
    return NASBench201()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def toy_cells() -> list[Architecture]:
    """Sixty representatives."""
    return list(training_cells())


@pytest.fixture(scope="session")
def toy_values() -> np.ndarray:
    """A smooth made-up accuracy of each toy cell: convolutions help, a little noise."""
    return training_values()


@pytest.fixture(scope="session")
def run_cli() -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process: ``(arguments, stdin=b"") -> (code, out, err)``."""

    def run(arguments: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
        out, err = _text_stream(), _text_stream()
        before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin))
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main([str(argument) for argument in arguments])
        finally:
            sys.stdin = before
        return code, _written(out), _written(err)

    return run


@pytest.fixture(scope="session")
def toy_models(
    tmp_path_factory: pytest.TempPathFactory,
    toy_cells: list[Architecture],
    toy_values: np.ndarray,
) -> Path:
    """A folder of two small fitted predictors, named as the shipped ones may be."""
    place = tmp_path_factory.mktemp("models")
    for name, targets in {
        "nas-robbench-201-v1": ("nas-robbench-201/cifar10/pgd-8", "nas-robbench-201/cifar10/clean"),
        "jung2023-v1": ("jung2023/cifar10/pgd-1",),
    }.items():
        y = np.column_stack([toy_values, 1.0 - toy_values])[:, : len(targets)]
        model = make_predictor("xgboost", trees=20).fit(toy_cells, y, targets=targets)
        model.save(place / name, name=name)
    return place


@pytest.fixture
def toy_shipped(toy_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small predictors in the place of the shipped ones."""
    monkeypatch.setattr(shipped, "shipped_folder", lambda _: toy_models)
    return toy_models


def _text_stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", newline="")


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
