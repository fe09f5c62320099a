"""Predict, search and verify neural architectures that withstand adversarial attacks.

The names below are the public surface. They are resolved when first used, so that
``import surrobust`` costs little and loads neither torch nor xgboost.
"""

from importlib import import_module
from typing import Any

from ._version import __version__

_HOMES = {
    "Architecture": "spaces",
    "NASBench201": "spaces",
    "SPACES": "spaces",
    "DARTS_SPACES": "spaces",
    "Genotype": "spaces",
    "draw_genotype": "spaces",
    "count_flops": "spaces",
    "count_parameters": "spaces",
    "Target": "targets",
    "targets_of": "targets",
    "BENCHMARKS": "targets",
    "DEFAULT_TARGET": "targets",
    "TABLES": "tables",
    "load_table": "tables",
    "ENCODINGS": "encodings",
    "Columns": "encodings",
    "IMAGES": "images",
    "load_images": "images",
    "ATTACKS": "attacks",
    "CORRUPTIONS": "images.corruptions",
    "corrupt": "images.corruptions",
    "PROXIES": "proxies",
    "score_proxies": "proxies",
    "RECIPES": "training",
    "verify": "verification",
    "PREDICTORS": "predictors",
    "make_predictor": "predictors",
    "load_predictor": "predictors.shipped",
    "list_predictors": "predictors.shipped",
    "SEARCHES": "searches",
    "gradient_search": "differentiable",
    "GradientOptions": "sessions",
    "search": "sessions",
    "run_search": "sessions",
    "SurrobustSampler": "sessions.studies",
    "suggest_architecture": "sessions.studies",
    "SurrobustError": "errors",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module 'surrobust' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    # The next look-up finds it here and does not come to this function again.
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
