"""Wall and CPU time by step: what sleeps takes no CPU, threads add up, and functions are recorded only on request."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from AIDEALLib.stopwatch import Stopwatch, recording, rounded, timed


class Clocks:
    """Wall and CPU clock that move only as a test lets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall = self.cpu = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.wall)
        monkeypatch.setattr(time, "thread_time", lambda: self.cpu)

    def pass_by(self, wall: float, cpu: float) -> None:
        self.wall += wall
        self.cpu += cpu


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_times_of_a_step_add_up(clocks: Clocks) -> None:
    watch = Stopwatch()
    for _ in range(2):
        with watch("a"):
            clocks.pass_by(1.0, 0.25)
    with contextlib.suppress(ValueError), watch("b"):
        clocks.pass_by(3.0, 0.5)
        raise ValueError
    assert watch.seconds == {"a": 2.0, "b": 3.0}
    assert watch.cpu_seconds == {"a": 0.5, "b": 0.5}
    assert rounded({"a": 1.00004, "b": 1.00006}) == {"a": 1.0, "b": 1.0001}


def test_steps_side_by_side_share_the_time_that_passes(clocks: Clocks) -> None:
    watch = Stopwatch()
    with watch("a"):
        clocks.pass_by(1.0, 0.0)
        with watch("b"), watch("a"):
            clocks.pass_by(3.0, 0.0)
        clocks.pass_by(0.5, 0.0)
    clocks.pass_by(9.0, 0.0)
    with watch("b"):
        clocks.pass_by(0.25, 0.0)
    assert watch.seconds == {"a": 3.5, "b": 1.25}


def test_threads_add_up() -> None:
    watch, inside = Stopwatch(), threading.Barrier(3)

    def work() -> None:
        with watch("a"):
            inside.wait(60)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert watch.seconds.keys() == watch.cpu_seconds.keys() == {"a"}
    assert watch.seconds["a"] > 0


def test_decorated_functions_are_recorded_on_request_only(clocks: Clocks) -> None:
    @timed("work")
    def work(value: int) -> int:
        clocks.pass_by(1.0, 0.5)
        return value + 1

    assert work(1) == 2
    with recording() as watch:
        assert work(2) == 3
    assert work(3) == 4
    assert (watch.seconds, watch.cpu_seconds) == ({"work": 1.0}, {"work": 0.5})
