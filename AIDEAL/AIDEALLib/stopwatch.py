"""Wall and CPU time of the steps of a run (standard library only)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Sums wall and CPU time by step, over all threads.

    Parameters
    ----------
    cpu_clock : callable
        CPU time in seconds: `time.process_time` counts every thread of the process, `time.thread_time` the calling one only,
        which is right for steps that run side by side.

    Attributes
    ----------
    seconds : dict of str to float, seconds
        Wall time of each step so far.
    cpu_seconds : dict of str to float, seconds
        CPU time of each step so far.
    """

    def __init__(self, cpu_clock: Callable[[], float] = time.process_time) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self._cpu_clock = cpu_clock
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the body of a `with` statement as part of `step`."""
        start, cpu_start = self._now()
        try:
            yield
        finally:
            end, cpu_end = self._now()
            with self._lock:
                self.seconds[step] = self.seconds.get(step, 0.0) + end - start
                self.cpu_seconds[step] = self.cpu_seconds.get(step, 0.0) + cpu_end - cpu_start

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), self._cpu_clock()


def rounded(seconds: dict[str, float], divisor: int = 1) -> dict[str, float]:
    """Seconds by step, to a tenth of a millisecond, divided by the number of steps that ran side by side."""
    return {step: round(spent / divisor, 4) for step, spent in seconds.items()}


_recording: Stopwatch | None = None


@contextmanager
def recording() -> Iterator[Stopwatch]:
    """Record the functions decorated with `timed` that run in the body of a `with` statement."""
    global _recording
    before, _recording = _recording, Stopwatch(time.thread_time)
    try:
        yield _recording
    finally:
        _recording = before


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Decorate a function whose time is recorded as part of `step` while `recording` is active."""
    if _recording is None:
        yield
        return
    with _recording(step):
        yield
