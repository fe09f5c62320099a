"""Judging predictors on the tables: splits, learning curves, the leaderboard.

The protocol is the peers': representatives by ascending index, shuffled by
``numpy.random.default_rng(seed).permutation``, the first N train, all others test. Beside every
score stands what a perfect predictor would reach (``ceilings``).
"""

from .ceilings import ceiling, has_ceiling, training_classes
from .curves import check_request, learning_curves, read_scores, write_scores
from .leaderboard import Standing, standings, write_leaderboard
from .protocol import (
    BASELINE,
    TARGETS,
    TRAINING_SIZES,
    ParameterCount,
    Score,
    score_predictor,
    split,
)

__all__ = [
    "BASELINE",
    "TARGETS",
    "TRAINING_SIZES",
    "ParameterCount",
    "Score",
    "Standing",
    "ceiling",
    "check_request",
    "has_ceiling",
    "learning_curves",
    "read_scores",
    "score_predictor",
    "split",
    "standings",
    "training_classes",
    "write_leaderboard",
    "write_scores",
]
