"""Optuna's own suite for samplers."""

import optuna
import pytest

from surrobust.sessions.studies.sampler import SurrobustSampler

suite = pytest.importorskip(
    "optuna.testing.pytest_samplers", reason="Optuna has its suite since 4.8"
)
pytestmark = [
    pytest.mark.usefixtures("quiet"),
    pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning"),
]


class TestWithWhateverElseThereIs(suite.BasicSamplerTestCase, suite.MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return lambda: SurrobustSampler(seed=0)


class TestOfOneObjective(suite.SingleOnlySamplerTestCase):
    @pytest.fixture(params=["surrogate", "local_search", "evolution", "tpe", "zero_cost"])
    def sampler(self, request):
        return lambda: SurrobustSampler(request.param, seed=0)


class TestWithRelativeSampling(suite.BasicSamplerTestCase, suite.RelativeSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        def relative():
            other = optuna.samplers.TPESampler(n_startup_trials=0, multivariate=True, seed=0)
            return SurrobustSampler(seed=0, independent_sampler=other)

        return relative
