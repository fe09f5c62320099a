"""Journals that are long, damaged, torn, or on a full disk."""

import json
import os
import re
import signal
import socket
from pathlib import Path

import optuna
import pytest
from killed import run_until_killed, stopped
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from surrobust.errors import InvalidInputError, StorageLostError
from surrobust.searches import SEARCHES
from surrobust.searches.sharing import journal as journal_module
from surrobust.searches.sharing.ledger import PARAMETERS, Ledger, evaluations_of, settle
from surrobust.searches.sharing.storage import open_storage, warn_if_large
from surrobust.searches.sharing.worker import Worker
from surrobust.spaces import Architecture, NASBench201

FEW = [Architecture.parse(code).representative for code in ("333333", "222222", "444444")]


def open_ledger(journal):
    return Ledger(open_storage(journal), "s", {}, maximise=True)


def without_checksum(line):
    return {name: value for name, value in json.loads(line).items() if name != "checksum"}


def is_whole(journal):
    text = Path(journal).read_text()
    return text.endswith("\n") and all(isinstance(json.loads(s), dict) for s in text.splitlines())


@pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")
@pytest.mark.timeout(120)  # a lock that is kept is waited for
def test_a_process_that_is_killed_within_a_line_does_not_stop_the_others(journal):
    others = [open_ledger(journal) for _ in range(2)]
    first = others[0].claim(FEW[0], "me")
    code = """
from surrobust.searches.sharing import journal
from surrobust.searches.sharing.ledger import Ledger
from surrobust.searches.sharing.storage import open_storage
from surrobust.spaces import Architecture

class Torn(journal.FileIO):
    def write(self, text):
        super().write(text[: len(text) // 2])
        die_here()

ledger = Ledger(open_storage(sys.argv[1]), "s", {}, maximise=True)
journal.FileIO = Torn
ledger.claim(Architecture.parse('222222'), "dead")
"""
    run_until_killed(code, journal)
    assert not is_whole(journal)
    assert [c.architecture for c in others[1].claims()] == FEW[:1]
    others[0].complete(first, 0.5)
    others[1].claim(FEW[2], "me too")
    for ledger in (*others, open_ledger(journal)):
        assert [(c.architecture, c.value) for c in ledger.claims()] == [
            (FEW[0], 0.5),
            (FEW[2], None),
        ]
    assert is_whole(journal)


@pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")
@pytest.mark.timeout(120)  # a lock that is kept is waited for
def test_one_that_sleeps_with_the_lock_is_named_and_not_waited_for_without_end(
    journal, monkeypatch, caplog
):
    ledger = open_ledger(journal)
    held = ledger.claim(FEW[0], "me")
    monkeypatch.setattr(journal_module, "_TOLD", 0.05)
    monkeypatch.setattr(journal_module, "_PATIENCE", 0.5)
    code = """
from surrobust.searches.sharing.journal import locked

with locked(Path(sys.argv[1])):
    stop_here()
"""
    with stopped(code, journal) as holder:
        holder.send_signal(signal.SIGSTOP)
        named = f"process {holder.pid} on {socket.gethostname()} holds"
        told = rf"{named} it \(kill -CONT {holder.pid} .*kill -KILL {holder.pid} "
        with pytest.raises(StorageLostError, match=rf"storage: expected the lock of .*: {told}"):
            ledger.complete(held, 0.5)
        assert caplog.text.count(f"storage: {named} the lock of {journal}") == 1
        with pytest.raises(StorageLostError, match=told):
            open_ledger(journal)
        assert [claim.open for claim in ledger.claims()] == [True]  # who only reads needs no lock
    ledger.complete(held, 0.5)  # the holder is gone
    assert [claim.value for claim in open_ledger(journal).claims()] == [0.5]


def test_a_full_disk_leaves_the_journal_as_it_was(journal, monkeypatch):
    ledger, other = open_ledger(journal), open_ledger(journal)
    before = Path(journal).read_bytes()

    class Full(journal_module.FileIO):
        def write(self, text):
            if self.tell() > len(before):
                raise OSError(28, "No space left on device")
            return super().write(text[:40])

    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "FileIO", Full)
        with pytest.raises(OSError, match=r"No space.*search\.journal"):
            ledger.claim(FEW[0], "me")
    assert Path(journal).read_bytes() == before
    other.claim(FEW[1], "me")
    ledger.claim(FEW[2], "me")
    assert ledger.claims() == other.claims()
    assert [c.architecture for c in ledger.claims()] == FEW[1:]


def test_heartbeats_do_not_make_a_journal_longer(journal):
    mine, theirs = open_ledger(journal), open_ledger(journal)
    held = [mine.claim(cell, "me") for cell in FEW]
    size = Path(journal).stat().st_size
    for count in range(1, 300):
        mine.beat(held[2], count)
    mine.beat(held[0], 7)
    assert Path(journal).stat().st_size == size
    assert [c.beat for c in theirs.claims()] == [7, 0, 299]
    assert [c.beat for c in open_ledger(journal).claims()] == [7, 0, 299]
    assert Path(f"{journal}.beats").stat().st_size == 3 * 8


def test_heartbeats_of_earlier_versions_are_seen(journal):
    place = open_storage(journal)
    ledger = Ledger(place, "s", {}, maximise=True)
    held = ledger.claim(FEW[0], "me")
    place.set_trial_user_attr(held.trial_id, "beat", 5)
    ledger.beat(held, 2)
    assert [c.beat for c in ledger.claims()] == [7]


def test_heartbeats_may_be_deleted(journal):
    ledger = open_ledger(journal)
    held = ledger.claim(FEW[0], "me")
    ledger.beat(held, 1)
    Path(f"{journal}.beats").unlink()
    assert [c.beat for c in ledger.claims()] == [0]
    ledger.beat(held, 2)
    assert [c.beat for c in ledger.claims()] == [2]


def test_a_search_goes_on_behind_many_failed_claims(journal, objective):
    n = 3000
    ledger = open_ledger(journal)
    ledger.budget = 4
    ledger.release(ledger.claim(FEW[0], "me"))
    *head, made, ended = Path(journal).read_text().splitlines()
    end = without_checksum(ended)
    more = (json.dumps({**end, "trial_id": i}) for i in range(1, n))
    lines = [*head, made, ended, *(line for end in more for line in (made, end))]
    Path(journal).write_text("\n".join(lines) + "\n")
    ledger = open_ledger(journal)
    assert [c.released for c in ledger.claims()] == [True] * n
    start = lambda seed: SEARCHES["random"](NASBench201(), seed=seed)  # noqa: E731
    Worker(ledger, start, objective, seed=0, maximise=True).run()
    found = evaluations_of(settle(ledger.claims(), budget=4, n_functions=4930), "toy")
    assert len({e.architecture for e in found}) == 4
    assert found[0].architecture == FEW[0]


def test_it_is_said_what_to_do_about_a_large_journal(journal, monkeypatch, caplog):
    warn_if_large(journal)  # none yet
    open_ledger(journal)
    warn_if_large(journal)
    warn_if_large("postgresql://host/name")
    assert caplog.text == ""
    monkeypatch.setattr("surrobust.searches.sharing.storage._LARGE", 10)
    warn_if_large(journal)
    assert f"storage: {journal} has 0 MB" in caplog.text
    assert "a search with --out goes on without it: delete it, then --resume" in caplog.text


FOREIGN = {
    "no operation": {"op_code": 99},
    "a part is missing": {"op_code": 6, "trial_id": 0, "state": 3, "values": None},
    "no such choice": {"params": dict.fromkeys(PARAMETERS, 9)},
    "no such date": {"datetime_start": "yesterday"},
    "two attributes": {"op_code": 8, "trial_id": 0, "user_attr": {"a": 1, "b": 2}},
}
"""What changes an operation that makes a trial into one that is none of Optuna's."""


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("kind", FOREIGN)
def test_an_operation_that_is_none_is_named(journal, kind, is_last):
    open_ledger(journal).claim(FEW[0], "me")
    lines = Path(journal).read_text().splitlines()
    number = len(lines) + 1
    foreign = json.dumps({**without_checksum(lines[-1]), **FOREIGN[kind]}, separators=(",", ":"))
    content = "\n".join([*lines, foreign, *([] if is_last else [lines[-1]]), ""])
    Path(journal).write_text(content)
    told = (
        rf"expected a journal of Optuna's, got another file: {journal}, line {number} \(\w+: .*\)"
    )
    with pytest.raises(InvalidInputError) as caught:
        open_storage(journal)
    assert re.fullmatch(f"storage: {told}", str(caught.value))
    assert Path(journal).read_text() == content


def test_garbage_that_comes_later_is_named_too(journal):
    ledger = open_ledger(journal)
    ledger.claim(FEW[0], "me")
    with Path(journal).open("a") as file:
        file.write("garbage\n")
    number = len(Path(journal).read_text().splitlines())
    with pytest.raises(InvalidInputError, match=f"got another file: {journal}, line {number}$"):
        ledger.claim(FEW[1], "me")


def test_reading_while_others_write_sees_whole_lines(journal):
    """A line is seen in parts, as on a network file system, and goes on when the rest is there."""
    ledger = open_ledger(journal)
    ledger.claim(FEW[0], "me")
    text = Path(journal).read_text()
    line = text.splitlines()[-1]
    for stop in (1, 20, len(line)):
        Path(journal).write_text(text + line[:stop])
        assert len(ledger.claims()) == 1
    Path(journal).write_text(f"{text}{line}\n")
    assert len(ledger.claims()) == 2


def test_a_changed_digit_is_named(journal):
    ledger = open_ledger(journal)
    ledger.complete(ledger.claim(FEW[0], "me"), 0.5)
    good = Path(journal).read_text()
    line = next(n for n, s in enumerate(good.splitlines(), start=1) if '"values":[0.5]' in s)
    Path(journal).write_text(good.replace('"values":[0.5]', '"values":[0.7]'))
    said = f"^storage: {journal}, line {line}: checksum: expected .* changed or damaged .*$"
    with pytest.raises(InvalidInputError, match=said):
        open_storage(journal)
    Path(journal).write_text(good.replace('"checksum"', '"chequsum"'))
    with pytest.raises(InvalidInputError, match=f"{journal}, line 1: .* changed or damaged .*$"):
        open_storage(journal)


def test_journals_are_optunas_and_optunas_are_journals(journal):
    ours = open_ledger(journal)
    ours.complete(ours.claim(FEW[0], "me"), 0.5)
    lines = Path(journal).read_text().splitlines()
    assert all("checksum" in json.loads(line) for line in lines)
    theirs = JournalStorage(JournalFileBackend(journal))
    study = optuna.load_study(study_name="s", storage=theirs)
    assert study.best_value == 0.5
    assert study.best_params == dict.fromkeys(PARAMETERS, "nor_conv_3x3")
    Path(f"{journal}.lock").unlink()  # for half a minute Optuna would take it for its own
    study.add_trial(study.trials[0])  # without a checksum, as in journals of earlier versions
    assert "checksum" not in Path(journal).read_text().splitlines()[-1]
    assert [claim.value for claim in open_ledger(journal).claims()] == [0.5, 0.5]


def test_numbers_as_keys_do_not_count_as_damage(journal):
    place = open_storage(journal)
    Ledger(place, "s", {}, maximise=True)
    study = optuna.load_study(study_name="s", storage=place)
    study.add_trial(optuna.trial.create_trial(value=1.0, intermediate_values={2: 0.1, 10: 0.2}))
    storage = open_storage(journal)
    assert storage.get_all_trials(0)[0].intermediate_values == {2: 0.1, 10: 0.2}
