"""Laws for variants of your own: what every strategy, predictor, proxy and attack of ours obeys.

Derive a class from one of these, say how yours is made, and pytest tries every law::

    class TestMine(PredictorLaws):
        def make(self, **options):
            return MyPredictor(**options)

Each law is a test whose name and docstring say what it demands. One that yours does not promise is
left out by a line ``test_... = None``. pytest is needed (the extra ``test``).
"""

import pytest

# So that a broken law shows the numbers that broke it.
pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("attacks", "predictors", "proxies", "searches"))
)

from .attacks import AttackLaws  # noqa: E402
from .predictors import PredictorLaws  # noqa: E402
from .proxies import ProxyLaws  # noqa: E402
from .searches import SearchLaws  # noqa: E402

__all__ = ["AttackLaws", "PredictorLaws", "ProxyLaws", "SearchLaws"]
