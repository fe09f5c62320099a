"""Who is alive: workers say so while they measure, and the others notice who has fallen silent."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

from .ledger import Claim, Ledger

HEARTBEAT = 15.0
"""Seconds from one sign of life to the next."""

_BEATS = 4
"""A worker that was silent for as many is taken for dead."""

# Less than the others' four: a watch that slept must not call dead who was silent meanwhile.
_BLIND = 2
"""Who has not looked for as many, awake and with the storage there, cannot tell who was silent."""

logger = logging.getLogger(__name__)


def name_worker() -> str:
    """Return a name for a worker in this process: its machine, its process id, a random word."""
    return f"{_machine()} {os.getpid()} {uuid4().hex[:8]}"


@cache
def _machine() -> str:
    """Return what processes share that can see each other's ids: host, boot, pid namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot, space = "", ""
    return "/".join((socket.gethostname(), boot, space)).replace(" ", "")


@contextmanager
def heartbeat(
    ledger: Ledger, claim: Claim, *, seconds: float, beaten: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Say every so many seconds that the worker of a claim is alive, from a thread.

    Args:
        ledger: Where it is said.
        claim: The worker's.
        seconds: From one heartbeat to the next.
        beaten: Called after each.
    """
    done = threading.Event()

    def beat() -> None:
        count = 0
        # An event instead of sleep, so that the end of a measurement is not waited for.
        while not done.wait(seconds):
            count += 1
            try:
                ledger.beat(claim, count)
                beaten()
            except RuntimeError:  # the claim was taken away
                return
            except Exception as error:  # the next beat may come through
                logger.warning("storage: a heartbeat was lost: %s", error)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        # No beat after the claim has ended.
        thread.join()


class Watch:
    """Notices claims whose workers are dead.

    A claim's worker is dead if its process is gone from this machine, or if it said nothing for
    four heartbeats by this watch's own clock; the clocks of other machines do not matter. Where
    the watch itself was suspended, or the storage away, it begins anew: the others may have been.

    Args:
        seconds: From one heartbeat to the next.
        clock: Seconds that never go back.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience, self._blind = _BEATS * seconds, _BLIND * seconds
        self._clock = clock
        self._awake = clock()
        self._last: dict[int, tuple[int, float]] = {}

    def stay_awake(self) -> None:
        """Take note that this process runs and the storage answers."""
        now = self._clock()
        if now - self._awake > self._blind:
            self._last.clear()
        self._awake = now

    def dead(self, claims: Iterable[Claim]) -> list[Claim]:
        """Return the open claims whose workers are dead."""
        self.stay_awake()
        return [claim for claim in claims if claim.open and self._is_dead(claim)]

    def _is_dead(self, claim: Claim) -> bool:
        if _is_gone(claim.worker):
            return True
        now = self._clock()
        # Counts are compared, not times: clocks of machines differ. A
        # claim is watched from when it is first seen.
        beat, since = self._last.get(claim.number, (None, now))
        if beat != claim.beat:
            self._last[claim.number] = (claim.beat, now)
            return False
        return now - since > self._patience


def _is_gone(worker: str) -> bool:
    """Return whether a worker's process was one of this machine's and is no more."""
    machine, _, rest = worker.partition(" ")
    pid = rest.partition(" ")[0]
    if os.name != "posix" or machine != _machine() or not pid.isdigit():
        return False
    try:
        # Signal 0 is none: it only asks. What may not be signalled is there.
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
