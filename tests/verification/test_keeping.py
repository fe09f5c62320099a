"""What is beside a file of records: several processes verify there, one record comes of each."""

import json
import logging
import os
from contextlib import contextmanager
from pathlib import Path

import pytest
from killed import run_until_killed, stopped

import surrobust as sr
from surrobust.tables import read_records
from surrobust.verification import keeping, make_plan, run_plan, run_several

posix = pytest.mark.skipif(os.name != "posix", reason="needs the kernel's locks and signals")

OPTIONS = {"recipe": "smoke", "images": "digits", "device": "cpu", "attacks": ["fgsm-8"]}
OPTIONS |= {"epochs": 2, "channels": 2, "cells": 1, "n_images": 120, "n_test": 40}
CELLS = [sr.Architecture.parse(index) for index in (2581, 1000)]

_VERIFY = """
import json
import surrobust as sr
out, go, options = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])

def report(cell, end):
    if sys.argv[2] == "die":
        die_here()
    if not go.exists():
        print("here", flush=True)
    while not go.exists():
        time.sleep(0.01)

sr.verify(2581, out=out, report=report, **options)
"""


class Answer(logging.Handler):
    """Does something when a warning says that somebody is waited for."""

    def __init__(self, act):
        super().__init__()
        self.act, self.told = act, []

    def emit(self, record):
        if "waiting for" in record.getMessage():
            self.told.append(record.getMessage())
            self.act()


@contextmanager
def answering(act):
    logger, handler = logging.getLogger(keeping.__name__), Answer(act)
    logger.addHandler(handler)
    try:
        yield handler.told
    finally:
        logger.removeHandler(handler)


@posix
@pytest.mark.parametrize("several", [False, True])
def test_who_waits_for_another_process_takes_its_record(tmp_path, several):
    out, go, trained = tmp_path / "records.jsonl", tmp_path / "go", []
    report = lambda *event: trained.append(event)  # noqa: E731
    with (
        stopped(_VERIFY, out, go, json.dumps(OPTIONS)) as other,
        answering(go.touch) as told,
    ):
        if several:
            (found,) = run_several(CELLS[:1], make_plan(**OPTIONS), out=out, report=report)
        else:
            found = sr.verify(2581, out=out, report=report, **OPTIONS)
        assert other.wait() == 0
    assert len(told) == 1
    assert f"waiting for process {other.pid} on " in told[0]
    assert told[0].startswith("2581-smoke-digits-0-")
    assert trained == []
    assert read_records(out) == [found]
    assert sorted(tmp_path.iterdir()) == [go, out]


@posix
def test_where_the_one_that_was_waited_for_is_killed_its_training_goes_on(tmp_path):
    out, epochs = tmp_path / "records.jsonl", []
    with stopped(_VERIFY, out, tmp_path / "go", json.dumps(OPTIONS)) as other:
        with answering(other.kill) as told:
            found = sr.verify(
                2581, out=out, report=lambda _, end: epochs.append(end.epoch), **OPTIONS
            )
        assert len(told) == 1
    assert epochs == [2]
    assert read_records(out) == [found]
    assert list(tmp_path.iterdir()) == [out]
    whole = sr.verify(2581, **OPTIONS)
    for name in ("accuracy", "outcomes", "intervals"):
        assert found[name] == whole[name]


@posix
def test_a_killed_one_is_no_longer_waited_for(tmp_path):
    out = tmp_path / "records.jsonl"
    run_until_killed(_VERIFY, out, "die", json.dumps(OPTIONS))
    assert len(list((tmp_path / "records.jsonl.checkpoints").glob("*.lock"))) == 1
    with answering(lambda: pytest.fail("waited")) as told:
        sr.verify(2581, out=out, **OPTIONS)
    assert told == []
    assert list(tmp_path.iterdir()) == [out]


def test_of_two_that_do_not_wait_the_first_record_is_believed(tmp_path):
    out, plan, inner = tmp_path / "records.jsonl", make_plan(**OPTIONS), []

    def overtaken(*_: object) -> None:  # as one that slept while another took its cell
        if not inner:
            inner.append(None)
            inner[0] = run_plan(CELLS[0], plan, out=out)

    found = run_plan(CELLS[0], plan, out=out, report=overtaken)
    assert found == inner[0]
    assert read_records(out) == [found]
    assert list(tmp_path.iterdir()) == [out]


class Stop:
    epochs = (1,)

    def __init__(self, before=None):
        self.before = before

    def goes_on(self, *_: object) -> bool:
        if self.before is not None:
            self.before()
        return False


@pytest.mark.parametrize("whole", [False, True])
def test_of_two_that_were_stopped_at_one_rung_the_first_record_is_believed(tmp_path, whole):
    out, plan, inner = tmp_path / "records.jsonl", make_plan(**OPTIONS), []

    def overtaken() -> None:
        inner.append(run_plan(CELLS[0], plan, out=out, rungs=None if whole else Stop()))

    found = run_plan(CELLS[0], plan, out=out, rungs=Stop(overtaken))
    assert found == inner[0]
    assert found.get("pruned", False) is not whole
    assert read_records(out) == [found]
    # A training to the end is another thing than one that was stopped.
    assert "pruned" not in run_plan(CELLS[0], plan, out=out)
    assert len(read_records(out)) == (1 if whole else 2)


def test_several_are_held_in_one_order(tmp_path, monkeypatch):
    held: list[str] = []

    @contextmanager
    def hold(path: Path, **_: object):
        held.append(path.name)
        yield

    monkeypatch.setattr(keeping, "hold", hold)
    plan, orders = make_plan(**OPTIONS), []
    for cells in (CELLS, CELLS[::-1]):
        held.clear()
        for record in run_several(cells, plan, at_once=2, out=tmp_path / f"{cells[0].index}.jsonl"):
            assert record["train"]["at_once"] == 2
        orders.append(list(held))
    assert orders[0] == orders[1]
    assert len(orders[0]) == 2


def test_who_takes_a_record_may_verify_its_cell_in_another_way(tmp_path):
    out = tmp_path / "records.jsonl"
    for record in run_several(CELLS, make_plan(**OPTIONS), out=out):
        sr.verify(record["index"], out=out, **{**OPTIONS, "attacks": ["clean"], "n_test": 30})
    assert len(read_records(out)) == 4
    assert list(tmp_path.iterdir()) == [out]
