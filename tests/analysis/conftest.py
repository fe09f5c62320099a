"""The two tables, read once."""

from pathlib import Path

import pytest

from surrobust.analysis import PairedAccuracies


@pytest.fixture(scope="session")
def measured(data_dir: Path) -> PairedAccuracies:
    return PairedAccuracies(data_dir)
