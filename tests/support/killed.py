"""Processes that tests stop and kill at a chosen point, as the kernel or a user would."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import surrobust

_PRELUDE = """
import os, signal, sys, time
from pathlib import Path

def stop_here(*_):
    print("here", flush=True)
    time.sleep(600)

def die_here(*_):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _environment() -> dict[str, str]:
    places = [Path(surrobust.__file__).parents[1], Path(__file__).parent]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}


@contextmanager
def stopped(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in a process until it calls ``stop_here``; it is killed at the end."""
    command = [sys.executable, "-c", _PRELUDE + code, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "here\n"
            yield child
        finally:
            child.kill()


def run_until_killed(code: str, *arguments: object) -> None:
    """Run Python code in a process until it calls ``die_here``."""
    command = [sys.executable, "-c", _PRELUDE + code, *map(str, arguments)]
    done = subprocess.run(command, env=_environment(), timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL
