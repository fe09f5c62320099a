"""Searchers of others, run as they are beside our strategies.

A peer (:class:`AbstractPeer`) suggests one of the 15625 cells after another and is told values to
be maximised. It runs with its own defaults; nothing is tuned for it.
"""

from .base import MAX_REPEATS, AbstractAskedPeer, AbstractPeer
from .gaussian_processes import BoTorch, PathProcess, WeisfeilerLehmanProcess
from .hebo import HEBO
from .naszilla import NaszillaContinuedSearch, NaszillaEvolution, NaszillaLocalSearch
from .optuna_samplers import GP, NSGAII, TPE, Random
from .smac_facade import SMAC

PEERS: dict[str, type[AbstractPeer]] = {
    "optuna-random": Random,
    "optuna-tpe": TPE,
    "optuna-nsgaii": NSGAII,
    "optuna-gp": GP,
    "botorch": BoTorch,
    "gp-paths": PathProcess,
    "nasbowl": WeisfeilerLehmanProcess,
    "naszilla-local-search": NaszillaLocalSearch,
    "naszilla-local-search-on": NaszillaContinuedSearch,
    "naszilla-evolution": NaszillaEvolution,
    "hebo": HEBO,
    "smac": SMAC,
}
"""Every peer by its name; called with keywords ``budget`` and ``seed``."""

__all__ = ["MAX_REPEATS", "PEERS", "AbstractAskedPeer", "AbstractPeer"]
