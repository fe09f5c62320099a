"""Optuna without its announcements."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keep Optuna from announcing its studies and its experimental features."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def quiet_fallback() -> None:
    """Keep Optuna from announcing, over many lines, that it reads once more what it could not."""
    logging.getLogger("optuna.storages._rdb.storage").addFilter(_is_no_fallback)


def _is_no_fallback(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Caught an error from sqlalchemy")
