"""Torch keeps to one core wherever something is computed."""

from __future__ import annotations

import os
import platform
import threading
from pathlib import Path

import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation import slice_pool
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.slice_pool import one_core, side_by_side
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import run
from AIDEALLib.quality import assess as quality
from AIDEALLib.quality import signal
from AIDEALLib.simulation.tissue import TissueMaps


@pytest.fixture(autouse=True)
def two_threads() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_nested_statements_know_the_cores_of_the_outermost() -> None:
    with one_core() as outer, one_core() as inner:
        assert outer == inner == 2
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert getattr(slice_pool._outermost, "cores", None) is None


def test_every_step_of_a_run_and_each_on_its_own(
    monkeypatch: pytest.MonkeyPatch, small_liver: tuple[EchoSeries, TissueMaps]
) -> None:
    threads: list[int] = []
    original = signal.signal_to_noise

    def recorded(*given: object) -> object:
        threads.append(torch.get_num_threads())
        return original(*given)

    monkeypatch.setattr(signal, "signal_to_noise", recorded)
    series = small_liver[0]
    run(series, RunOptions(method="magnitude", device="cpu"))
    quality.assess(series, options=RunOptions(method="magnitude"))
    plan_corrections(series, SIX_PEAK)
    assert threads == [1, 1]
    assert torch.get_num_threads() == 2


def test_steps_side_by_side_keep_their_order_and_one_core_each() -> None:
    meeting = threading.Barrier(2, timeout=60)

    def step(name: str) -> tuple[str, int]:
        meeting.wait()  # both are under way
        return name, torch.get_num_threads()

    assert side_by_side(lambda: step("a"), lambda: step("b")) == (("a", 1), ("b", 1))
    assert torch.get_num_threads() == 2


def test_steps_of_one_core_run_one_after_the_other_in_this_thread() -> None:
    torch.set_num_threads(1)
    assert side_by_side(threading.get_ident, threading.get_ident) == (threading.get_ident(),) * 2


def test_error_of_the_first_step_counts() -> None:
    def fail(error: Exception) -> None:
        raise error

    with pytest.raises(KeyError):
        side_by_side(lambda: fail(KeyError()), lambda: fail(ValueError()))
    with pytest.raises(ValueError, match="second"):
        side_by_side(lambda: None, lambda: fail(ValueError("second")))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not that of glibc")
def test_freed_memory_goes_back_to_the_system() -> None:
    def resident_mib() -> float:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    blocks = [bytearray(100_000) for _ in range(2000)]
    last = blocks.pop()  # what lies before it stays with the process
    del blocks
    before = resident_mib()
    slice_pool.give_memory_back()
    assert len(last) == 100_000
    assert resident_mib() < before - 100
