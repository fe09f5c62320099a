"""Objectives that the processes of a shared search import: `pythonpath` in pyproject.toml."""

import os
import signal
from pathlib import Path


def by_index(cell):
    return cell.index / 15625


def failing(cell):
    raise ZeroDivisionError("division by nothing")


def deadly_once(cell):
    """The first process that comes here is killed."""
    try:
        Path(os.environ["DEADLY"]).touch(exist_ok=False)
    except FileExistsError:
        return by_index(cell)
    os.kill(os.getpid(), signal.SIGKILL)
    return None
