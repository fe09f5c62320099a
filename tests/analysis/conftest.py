"""The two tables, read once."""

from pathlib import Path

import pytest

from surrobust.analysis import Measured


@pytest.fixture(scope="session")
def measured(data_dir: Path) -> Measured:
    return Measured(data_dir)
