"""Objectives that the processes of a shared search import: `pythonpath` in pyproject.toml."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from surrobust.errors import InvalidInputError, StorageLostError
from surrobust.searches.sharing.journal import locked


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


def sleeps_with_the_lock_once(cell):
    """The first process that comes here is suspended while it holds the lock of a journal."""
    try:
        Path(os.environ["DEADLY"]).touch(exist_ok=False)
    except FileExistsError:
        return by_index(cell)
    with locked(Path(os.environ["JOURNAL"])):
        os.kill(os.getpid(), signal.SIGSTOP)
    return by_index(cell)


def deadly(cell):
    """Each process that comes here for the third time in a folder is killed."""
    count = Path(os.environ["DEADLY"]) / str(os.getpid())
    with count.open("a") as file:
        file.write(".")
    if count.stat().st_size == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return by_index(cell)


def do(how, numbers, _payload, may_go_on):
    """Work of a process: the first one to come takes the first number, and does so.

    Args:
        how: What to do by number.
        numbers: Folder in which numbers are taken.
        may_go_on: Is taken by all work of processes.
    """
    number = 0
    while True:
        try:
            (Path(numbers) / str(number)).touch(exist_ok=False)
            break
        except FileExistsError:
            number += 1
    deeds = {
        "return": lambda: None,
        "die": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
        "hang": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "nap": nap,
        "lose": lambda: lose(),
        "leave": lambda: os._exit(0),
        "exit": lambda: sys.exit(7),
        "raise": lambda: failing(None),
        "refuse": lambda: refuse(),
        "shout": lambda: shout(),
    }
    deeds[how[number]]()


def refuse():
    raise InvalidInputError("x: expected one thing, got another")


def nap():
    """Be suspended until somebody else wakes this process up."""
    # Again and again until it is gone: on a busy machine the first may come before the sleep.
    wake = f"""
import contextlib, os, time
with contextlib.suppress(ProcessLookupError):
    for _ in range(60):
        time.sleep(0.6)
        os.kill({os.getpid()}, {signal.SIGCONT:d})
"""
    subprocess.Popen([sys.executable, "-c", wake])
    os.kill(os.getpid(), signal.SIGSTOP)


def lose():
    raise StorageLostError("storage: expected a database that answers, got none")


def shout():
    raise ValueError("loud" * 1_000_000)  # more than fits into a pipe


def diverging(cell):
    """Every fourth cell diverges, every other fourth has no value."""
    if cell.index % 4 == 0:
        raise FloatingPointError("the loss is nan")
    return float("nan") if cell.index % 4 == 1 else by_index(cell)
