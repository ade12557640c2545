"""Phase that contradicts the magnitudes: a wrong phase gives no number, and a clean scan keeps its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.choices import T1, Conjugate
from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import Outcome, run
from AIDEALLib.quality.findings import Severity
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.statistics.usability import Usability

SIX = Protocol("six", echo_times(1.3, 2.1, 6), 1.5, snr=25)
THREE = Protocol("three", echo_times(1.1, 1.0, 3), 3.0, snr=40)
CODE = "phase-contradicts"
Bools = npt.NDArray[np.bool_]


def scan_of(protocol: Protocol, patient: int = 5, pdff: float = 12.0) -> tuple[EchoSeries, Bools]:
    shape, spacing = (3, 48, 48), (8.0, 8.0, 25.0)
    truth = abdomen(patient, protocol.field_strength_t, shape, spacing, None, (pdff, pdff), separate_dome=False)
    series = acquire(truth, protocol, np.random.default_rng(3))
    return replace(series, echoes=series.echoes[:, 1:2], readout=Readout.MONOPOLAR), truth.labels[1:2] == 1


def _reason(outcome: Outcome, where: Bools) -> str:
    return Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, where & outcome.maps.mask)


def _off(outcome: Outcome, where: Bools) -> float:
    return float(np.median(outcome.maps.pdff[where & outcome.maps.mask])) - 12


def _of_other_patient(series: EchoSeries) -> EchoSeries:
    other = scan_of(SIX, 8, 30.0)[0]
    return replace(series, echoes=(np.abs(series.echoes) * np.exp(1j * np.angle(other.echoes))).astype(np.complex64))


def _alternating(series: EchoSeries) -> EchoSeries:
    turn = np.exp(0.1j * np.array([1, -1, 1]))[:, None, None, None]
    return replace(series, echoes=(series.echoes * turn).astype(np.complex64))


@pytest.mark.parametrize(("protocol", "spoil"), [(SIX, _of_other_patient), (THREE, _alternating)])
def test_a_wrong_phase_is_found_and_the_liver_has_no_number(
    protocol: Protocol, spoil: Callable[[EchoSeries], EchoSeries]
) -> None:
    series, liver = scan_of(protocol)
    outcome = run(spoil(series), RunOptions(device="cpu", conjugate=Conjugate.AS_STORED))
    assert abs(_off(outcome, liver)) > 4
    assert outcome.quality is not None
    finding = next(f for f in outcome.quality.findings if f.code == CODE)
    assert finding.severity is Severity.STOP
    readings = Usability.of(outcome.maps.provenance.as_dict()).magnitudes
    assert readings is not None
    change, error = readings.change_in(liver & outcome.maps.mask)
    assert change == pytest.approx(-_off(outcome, liver), abs=max(3 * error, 1.5))
    assert _reason(outcome, liver)


@pytest.mark.parametrize(
    ("protocol", "t1"),
    [(SIX, T1.AS_MEASURED), (SIX, T1.CORRECT), (THREE, T1.AS_MEASURED), (replace(SIX, snr=8.0), T1.AS_MEASURED)],
)
def test_a_clean_scan_has_no_contradiction(protocol: Protocol, t1: T1) -> None:
    stated = replace(scan_of(protocol)[0], flip_angle_deg=20.0, repetition_time_s=0.012)  # its correction takes 4 points off
    outcome = run(stated, RunOptions(device="cpu", t1=t1))
    assert outcome.quality is not None and CODE not in outcome.quality.codes()
    assert not Usability.of(outcome.maps.provenance.as_dict()).magnitudes
