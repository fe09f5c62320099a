"""Locks that end with their process."""

import os
from pathlib import Path
from threading import Thread

import pytest
from killed import stopped

from surrobust import _locks
from surrobust.errors import InvalidInputError

posix = pytest.mark.skipif(os.name == "nt", reason="locks and signals of POSIX")


HOLD = """
from surrobust import _locks

with _locks.hold(sys.argv[1]):
    stop_here()
"""


@posix
def test_a_lock_ends_with_its_process_and_says_whose_it_is(tmp_path: Path):
    lock = tmp_path / "search.json.lock"
    with stopped(HOLD, lock) as holder:
        said = rf"expected nobody else to write here, got process {holder.pid} on "
        with pytest.raises(InvalidInputError, match=said), _locks.hold(lock):
            pass
        with pytest.raises(InvalidInputError, match=said), _locks.hold(lock, shared=True):
            pass
        waited = []

        def kill(who: str) -> None:
            waited.append(who)
            holder.kill()

        with _locks.hold(lock, wait=kill):
            assert waited[0].startswith(f"process {holder.pid} on ")
            assert lock.read_text().startswith(f"process {os.getpid()} on ")
    assert not lock.exists()


@posix
def test_a_lock_is_taken_in_a_folder_that_is_removed_meanwhile(tmp_path: Path, monkeypatch):
    lock, real, gone = tmp_path / "folder" / "lock", os.open, []

    def late(path, *arguments, **options):
        if path == lock and not gone:
            gone.append(lock.parent.rmdir())
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", late)
    with _locks.hold(lock):
        assert gone
        assert lock.exists()


@posix
def test_who_shares_a_lock_shares_it_with_those_only(tmp_path: Path):
    lock = tmp_path / "lock"
    with _locks.hold(lock, shared=True):
        with _locks.hold(lock, shared=True):
            pass
        assert lock.exists()
        with pytest.raises(InvalidInputError), _locks.hold(lock):
            pass
    assert not lock.exists()


@posix
def test_one_at_a_time_holds_a_lock_whose_file_comes_and_goes(tmp_path: Path):
    count, inside = tmp_path / "count", tmp_path / "inside"
    count.write_text("0")

    def add() -> None:
        for _ in range(50):
            with _locks.hold(tmp_path / "lock", wait=lambda _: None):
                inside.touch(exist_ok=False)
                count.write_text(str(int(count.read_text()) + 1))
                inside.unlink()

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read_text() == "200"
