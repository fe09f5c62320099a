"""What a measurement was made with: versions, device, commit, time."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import torch

from .._version import __version__

COMMIT = "SURROBUST_COMMIT"
"""The environment variable that names the commit of a copy, whatever git's folder there says."""


def versions() -> dict[str, str]:
    """Return the versions of what computes."""
    return {
        "surrobust": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


@cache
def find_commit() -> str | None:
    """Return the commit of the checkout that runs; None if it is installed, or not of git.

    The environment variable ``SURROBUST_COMMIT`` wins, as it is, unless it is empty: a copy may
    have come without git's folder, or with one that is behind its files. Otherwise git is asked;
    a plus sign is appended where files of the package differ from the commit.
    """
    if given := os.environ.get(COMMIT):
        return given
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        commit = _git(root, "rev-parse", "--short=12", "HEAD")
        # Of the package alone: what lies beside it computes nothing.
        changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", "surrobust")
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("+" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def now() -> str:
    """Return the time, UTC, as ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
