"""What tests of the sampler share."""

import optuna
import pytest


@pytest.fixture
def quiet():
    """Keep Optuna from announcing studies and trials."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)
