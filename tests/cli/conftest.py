"""A small predictor for the command line to load."""

from pathlib import Path

import pytest


@pytest.fixture
def model_folder(toy_shipped: Path) -> Path:
    """A saved predictor of two targets, trained on the toy cells; shipped as well."""
    return toy_shipped / "nas-robbench-201-v1"
