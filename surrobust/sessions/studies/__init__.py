"""Studies: the strategies as a sampler for an Optuna study that a user already has."""

from .sampler import SurrobustSampler, suggest_architecture

__all__ = ["SurrobustSampler", "suggest_architecture"]
