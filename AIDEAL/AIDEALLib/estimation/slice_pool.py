"""Slices side by side on the cores of the processor.

One slice on one core each scales better than one slice on all cores: its tensors are small, and threads that synchronise after
every small operation wait for each other, badly so when the machine has other work to do.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

import torch

from ..errors import Cancelled

T = TypeVar("T")
ASK_EVERY_S = 0.1


_outermost = threading.local()


@contextmanager
def one_core() -> Iterator[int]:
    """Keep torch to one core in this thread for the body of a `with` statement, or for a function it decorates.

    Yields
    ------
    int
        Number of cores that torch had before the outermost of nested statements.
    """
    if cores := getattr(_outermost, "cores", None):
        yield cores
        return
    _outermost.cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield _outermost.cores
    finally:
        torch.set_num_threads(_outermost.cores)
        del _outermost.cores


def side_by_side(*steps: Callable[[], Any]) -> tuple[Any, ...]:
    """Run steps that do not depend on each other at the same time, one core each.

    Parameters
    ----------
    *steps : callable
        The steps. The first one runs in the calling thread, the others in threads of their own; all in the calling thread where
        there is one core.

    Returns
    -------
    tuple
        Results of the steps, in their order.

    Raises
    ------
    Exception
        The exception of the first step, in their order, that raised one.
    """
    with one_core() as cores:
        if cores == 1:
            return tuple(step() for step in steps)
        try:
            with ThreadPoolExecutor(len(steps), initializer=torch.set_num_threads, initargs=(1,)) as pool:
                others = [pool.submit(step) for step in steps[1:]]
                first = steps[0]()
                return (first, *(other.result() for other in others))
        finally:
            give_memory_back()


def map_slices(
    work: Callable[[int], T],
    total: int,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[T]:
    """Call `work(index)` for every slice.

    Parameters
    ----------
    work : callable
        Called with the number of each slice, in several threads.
    total : int
        Number of slices.
    workers : int
        Slices at a time; 1 works in the calling thread.
    progress : callable, optional
        Called in the calling thread with (slices done, slices in total), first with 0.
    cancel : callable, optional
        Asked in the calling thread between slices.

    Returns
    -------
    list
        Results of `work`, in the order of the slices.

    Raises
    ------
    Cancelled
        `cancel` returned True; slices not yet begun are dropped.
    """

    def step(done: int) -> None:
        if progress:
            progress(done, total)
        if done < total and cancel and cancel():
            raise Cancelled

    try:
        return _mapped(work, total, workers, step, cancel)
    finally:
        give_memory_back()


def give_memory_back() -> None:
    """Return memory that this process has freed to the system: the allocator of Linux keeps that of every thread."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # other allocators have no such function
            ctypes.CDLL(None).malloc_trim(0)


def _mapped(
    work: Callable[[int], T], total: int, workers: int, step: Callable[[int], None], cancel: Callable[[], bool] | None
) -> list[T]:
    step(0)
    if workers == 1:
        results = []
        for index in range(total):
            results.append(work(index))
            step(index + 1)
        return results
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = [pool.submit(work, index) for index in range(total)]
        try:
            _watch(set(futures), step, total, cancel)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _watch(pending: set[Future[T]], step: Callable[[int], None], total: int, cancel: Callable[[], bool] | None) -> None:
    done = 0
    while pending:
        finished, pending = wait(pending, timeout=ASK_EVERY_S, return_when=FIRST_COMPLETED)
        if not finished and cancel and cancel():
            raise Cancelled
        for future in finished:
            future.result()
            done += 1
            step(done)
