"""Every experiment of the frame, found by its imports, so that a new one is tested as it comes."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))  # last, so that what is installed is tested


def _modules() -> Iterator[str]:
    """What is run as ``python -m``."""
    for path in sorted((ROOT / "experiments").glob("*/*.py")):
        text = path.read_text()
        if "from experiments.frame import" in text and '__name__ == "__main__"' in text:
            yield f"experiments.{path.parent.name}.{path.stem}".removesuffix(".__main__")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    modules = list(_modules())
    if "module" in metafunc.fixturenames:
        metafunc.parametrize("module", modules)
    if "folder" in metafunc.fixturenames:
        metafunc.parametrize("folder", dict.fromkeys(name.split(".")[1] for name in modules))


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """An experiment sets both for its process."""
    threads, environment = torch.get_num_threads(), dict(os.environ)
    yield
    torch.set_num_threads(threads)
    os.environ.clear()
    os.environ.update(environment)
