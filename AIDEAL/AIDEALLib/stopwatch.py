"""Wall and CPU time of the steps of a run (standard library only)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Sums wall and CPU time by step, over all threads.

    Steps that run side by side share the wall time that passes, so that all of them add up to no more than has passed. CPU time
    is that of the thread that runs a step.

    Attributes
    ----------
    seconds : dict of str to float, seconds
        Wall time of each step so far.
    cpu_seconds : dict of str to float, seconds
        CPU time of each step so far.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu_seconds: dict[str, float] = {}
        self._under_way: list[str] = []
        self._shared_until = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the body of a `with` statement as part of `step`."""
        with self._lock:
            cpu_start = self._share()
            self._under_way.append(step)
        try:
            yield
        finally:
            with self._lock:
                cpu_end = self._share()
                self._under_way.remove(step)
                self.cpu_seconds[step] = self.cpu_seconds.get(step, 0.0) + cpu_end - cpu_start

    def _share(self) -> float:
        """Give the steps under way their shares of the time since the last call; returns the CPU time of this thread."""
        now, cpu = self._now()
        for step in self._under_way:
            self.seconds[step] = self.seconds.get(step, 0.0) + (now - self._shared_until) / len(self._under_way)
        self._shared_until = now
        return cpu

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.thread_time()


def rounded(seconds: dict[str, float]) -> dict[str, float]:
    """Seconds by step, to a tenth of a millisecond."""
    return {step: round(spent, 4) for step, spent in seconds.items()}


_recording: Stopwatch | None = None


@contextmanager
def recording() -> Iterator[Stopwatch]:
    """Record the functions decorated with `timed` that run in the body of a `with` statement."""
    global _recording
    before, _recording = _recording, Stopwatch()
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
