"""One run: from files or a given series, checked before and after, refused where nothing can come of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import AidealError, InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.io.npz import write_npz
from AIDEALLib.options import Overrides, RunOptions
from AIDEALLib.pipeline import run
from AIDEALLib.progress import Monitor, Step
from AIDEALLib.quality.preflight import UnusableScan
from AIDEALLib.simulation.demo import demo_liver

QUICK = RunOptions(method="one-shot", device="cpu")


@pytest.fixture(scope="module")
def scan() -> EchoSeries:
    return demo_liver(matrix=(2, 64, 64))[0]


def test_files_and_a_given_series_give_the_same(scan: EchoSeries, tmp_path: Path) -> None:
    write_npz(tmp_path / "scan.npz", scan)
    steps: list[Step] = []
    read, given = run(tmp_path / "scan.npz", QUICK, monitor=Monitor(steps.append)), run(scan, QUICK)
    assert steps == [Step.READ, Step.CHECK, Step.PREPARE, Step.NETWORKS, Step.ASSESS]
    for (name, a), (_, b) in zip(read.maps.items(), given.maps.items(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)
    assert read.quality is not None and given.quality is not None
    assert read.quality.as_dict() == given.quality.as_dict()
    assert read.maps.provenance.seconds.keys() >= {"reading", "checking", "phase corrections", "network"}


def test_a_run_is_the_estimate_and_its_checks(scan: EchoSeries) -> None:
    unchecked = run(scan, QUICK, check=False)
    assert unchecked.quality is None and unchecked.preflight is None
    np.testing.assert_array_equal(unchecked.maps.pdff, estimate(scan, QUICK).pdff)


def test_overrides_reach_the_reader(scan: EchoSeries, tmp_path: Path) -> None:
    write_npz(tmp_path / "scan.npz", scan)
    times = tuple(float(t) for t in 1.1 * scan.te_s)
    options = replace(QUICK, overrides=Overrides(te_s=times, field_strength_t=1.6))
    provenance = run([tmp_path / "scan.npz"], options).maps.provenance
    assert provenance.te_s == times
    assert provenance.field_strength_t == 1.6
    assert RunOptions.from_dict(provenance.options["run"]) == options


def test_an_unusable_scan_is_refused_unless_overridden(scan: EchoSeries) -> None:
    constant = replace(scan, echoes=np.abs(scan.echoes) * np.exp(0.3j).astype(np.complex64))
    with pytest.raises(UnusableScan, match="phase is the same in all echoes") as refused:
        run(constant, QUICK)
    assert [f.code for f in refused.value.findings] == ["phase-constant"]
    outcome = run(constant, replace(QUICK, anyway=True))
    assert outcome.quality is not None and "phase-constant" in outcome.quality.codes()


def test_the_preset_reaches_both_checks(scan: EchoSeries) -> None:
    steep = replace(scan, flip_angle_deg=20.0, repetition_time_s=0.012)
    liver, phantom = run(steep, QUICK), run(steep, replace(QUICK, preset="phantom"))
    assert liver.quality is not None and "t1-bias" in liver.quality.codes()
    assert phantom.quality is not None and "t1-bias" not in phantom.quality.codes()


def test_what_is_called_before_the_estimate_may_refuse(scan: EchoSeries) -> None:
    seen: list[str] = []

    def ready(series: EchoSeries, expectation: str) -> None:
        seen.append(expectation)
        raise InputError("The segmentation is on another grid.")

    with pytest.raises(AidealError, match="another grid"):
        run(scan, QUICK, monitor=Monitor(ready=ready))
    assert "expect a PDFF standard deviation of at least" in seen[0]
