"""Many calls of one function, in this process or in several."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

T = TypeVar("T")


def run_each(
    call: Callable[..., T], arguments: Sequence[tuple[Any, ...]], *, jobs: int
) -> Iterator[T]:
    """Yield what ``call`` returns for each tuple of arguments, as they come.

    Args:
        call: A function that other processes can import.
        arguments: Positional arguments of each call.
        jobs: Processes; in one, the order is kept.
    """
    if jobs == 1 or len(arguments) < 2:
        for each in arguments:
            yield call(*each)
        return
    # Spawned, not forked: progress bars and numerical libraries run threads.
    pool = ProcessPoolExecutor(
        max_workers=min(jobs, len(arguments)),
        mp_context=get_context("spawn"),
        initializer=_share_cores,
        initargs=(jobs,),
    )
    try:
        futures = [pool.submit(call, *each) for each in arguments]
        for future in as_completed(futures):
            yield future.result()
    finally:
        # After an error or an interrupt what is queued is dropped.
        pool.shutdown(cancel_futures=True)


def _share_cores(jobs: int) -> None:
    """Keep libraries that this process has yet to load from taking all cores each."""
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
