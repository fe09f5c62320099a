"""What every proxy offers: one number per architecture, NaN where it has none."""

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from .batch_pass import Need

if TYPE_CHECKING:
    from .probe import Probe


class AbstractProxy(ABC):
    """A number that an untrained network gives away about itself on one batch.

    The variant says which quantities of the shared pass it reads and how it makes a number of
    them; the base sees to it that the number is finite, or NaN where the score has no value.
    """

    name: ClassVar[str]
    """The key in :data:`~surrobust.proxies.PROXIES`."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the pass over the batch has to record for it."""

    @property
    def column(self) -> str:
        """What the scores are called; options other than the defaults are part of it."""
        return self.name

    def score(self, probe: "Probe") -> float:
        """Return the score of one network, NaN where it has none."""
        import torch

        try:
            value = float(self._score(probe))
        except (FloatingPointError, torch.linalg.LinAlgError):
            value = math.nan
        return value if math.isfinite(value) else math.nan

    @abstractmethod
    def _score(self, probe: "Probe") -> float:
        """Return the score; whatever is not finite becomes NaN."""
