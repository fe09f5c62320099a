"""One worker of a search that several share: claim, measure, report, until the budget is spent."""

import time
import zlib
from collections.abc import Callable, Sequence

from ...errors import StorageLostError
from ...spaces import Architecture
from ..base import AbstractSearch
from ..goals import Goals
from ..run import evaluate, one_by_one
from .lease import HEARTBEAT, Watch, heartbeat, name_worker
from .ledger import Ledger, Slot, settle

Start = Callable[[int], AbstractSearch]
"""Seed to a fresh strategy."""

_LONGEST_PAUSE = 1.0


class Worker:
    """Measures architectures of a shared search.

    A worker that finds what a lone worker with its seed would have left goes on as that worker
    would have: a search that crashed is continued as if never interrupted. Where several have
    worked, a worker starts a strategy of its own and tells it all that is known.

    Args:
        ledger: What is claimed and measured; its budget is set.
        start: Seed to a fresh strategy.
        measure: Architecture to value; what fails is as in :func:`run`, and what else it raises
            is passed on, after the claim was released.
        seed: Seed of the strategy.
        maximise: Whether higher values are better; strategies are told negated values otherwise.
        seconds: From one heartbeat to the next.
        report: Called with the slots whenever the worker has looked at them.
        on_failure: ``record``, or ``raise``, which ends the worker where measuring fails.
    """

    def __init__(
        self,
        ledger: Ledger,
        start: Start,
        measure: Callable[[Architecture], float],
        *,
        seed: int,
        maximise: bool,
        seconds: float = HEARTBEAT,
        report: Callable[[Sequence[Slot]], None] | None = None,
        on_failure: str = "record",
    ) -> None:
        self.name = name_worker()
        self._on_failure = on_failure
        self._ledger = ledger
        self._measure = measure
        self._proposer = _Proposer(start, seed, sign=1.0 if maximise else -1.0)
        self._seconds = seconds
        self._watch = Watch(seconds)
        self._report = report
        self._budget = 0

    def run(self, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Work until every slot of the budget, or of the space, has its value.

        Args:
            may_go_on: Asked before every claim.
        """
        while may_go_on():
            slots = self._look()
            if self._report is not None:
                self._report(slots)
            architecture = self._choose(slots)
            if architecture is not None:
                if not self._try(architecture):
                    self._proposer.diverge(self.name)
            elif all(slot.holder is not None and not slot.holder.open for slot in slots):
                return
            else:
                # Others measure the last slots, and one of them may die.
                time.sleep(min(self._seconds, _LONGEST_PAUSE))

    def _look(self) -> list[Slot]:
        """Read the claims, end those of the dead, and return the slots."""
        claims = self._ledger.claims()
        dead = self._watch.dead(claim for claim in claims if claim.worker != self.name)
        for claim in dead:
            self._ledger.release(claim)
        if dead:
            claims = self._ledger.claims()
        self._budget = self._ledger.budget or 0
        return settle(claims, budget=self._budget, n_functions=self._proposer.n_functions)

    def _choose(self, slots: Sequence[Slot]) -> Architecture | None:
        """Return what to claim next: first what the dead have left; None if there is nothing."""
        for slot in slots:
            if slot.holder is None:
                return slot.architecture
        if len(slots) >= self._budget:
            return None
        return self._proposer.propose(slots)

    def _try(self, architecture: Architecture) -> bool:
        """Claim an architecture and measure it; return False if another worker was faster."""
        # A strategy thinks for a while: what was claimed meanwhile is not claimed again.
        holders = {slot.architecture: slot.holder for slot in self._look()}
        is_full = len(holders) >= self._budget
        if holders.get(architecture) is not None or (is_full and architecture not in holders):
            return False  # while this worker thought
        claim = self._ledger.claim(architecture, self.name)
        try:
            slots = self._look()
            # Claims cannot be refused, they are ordered: whether this one counts is seen only now.
            held = any(s.holder is not None and s.holder.number == claim.number for s in slots)
            if held:
                with heartbeat(
                    self._ledger, claim, seconds=self._seconds, beaten=self._watch.stay_awake
                ):
                    (measured,) = evaluate(
                        one_by_one(self._measure),
                        [architecture],
                        len(slots) - 1,
                        source="",
                        goals=Goals(),
                        on_failure=self._on_failure,
                    )
                if measured.failed:
                    self._ledger.fail(claim, measured.error)
                else:
                    self._ledger.complete(claim, measured.value)
            else:
                self._ledger.release(claim)
        except StorageLostError:
            raise  # there is nobody to tell: the others will notice
        except BaseException:
            # Anything, an interrupt too: nobody need wait four heartbeats for the cell.
            self._ledger.release(claim)
            raise
        return held


class _Proposer:
    """A strategy that is kept informed of what all workers do."""

    def __init__(self, start: Start, seed: int, *, sign: float) -> None:
        self._start, self._seed, self._sign = start, seed, sign
        self._search = start(seed)
        self._expected: set[Architecture] = set()
        self._told: set[Architecture] = set()
        self._is_new = True
        self._n_conflicts = 0

    @property
    def n_functions(self) -> int:
        """Function classes of the space."""
        return self._search.n_functions

    def diverge(self, name: str) -> None:
        """Draw other random numbers than the worker does that asked for the same."""
        self._n_conflicts += 1
        # crc32, as hash of a text is another in each process.
        self._search.reseed(self._seed, zlib.crc32(name.encode()), self._n_conflicts)

    def propose(self, slots: Sequence[Slot]) -> Architecture | None:
        """Return what the strategy asks for, knowing the slots; None if nothing is left."""
        if self._is_new and not self._replay(slots):
            self._search, self._expected, self._told = self._start(self._seed), set(), set()
            # It has asked for others on its way, and drawn: a fresh
            # one, seeded by how far the search is.
            self._search.reseed(self._seed, len(slots))
        self._is_new = False
        self._follow(slots)
        asked = self._search.ask()
        self._expected.update(asked)
        return asked[0] if asked else None

    def _replay(self, slots: Sequence[Slot]) -> bool:
        """Ask for the slots in turn; return whether the strategy asked for just these."""
        for slot in slots:
            if self._search.ask() != [slot.architecture]:
                return False
            self._expected.add(slot.architecture)
            self._follow([slot])
        return True

    def _follow(self, slots: Sequence[Slot]) -> None:
        """Tell the strategy what it does not know yet."""
        for slot in slots:
            cell, holder = slot.architecture, slot.holder
            if cell not in self._expected:
                self._search.expect(cell)
                self._expected.add(cell)
            if holder is None or holder.open or cell in self._told:
                continue
            self._told.add(cell)
            if holder.value is None:
                self._search.tell_failed(cell)
            else:
                self._search.tell(cell, self._sign * holder.value)
