"""Errors of whole echoes that stay in a result are named with their harm; numbers off by over three points are withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.choices import Conjugate, GainSteps
from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.estimation.echo_errors import ErrorKind, find_echo_error
from AIDEALLib.estimation.estimate import CORRECTIONS
from AIDEALLib.estimation.estimated_scan import EstimatedScan
from AIDEALLib.estimation.phase_correction.corrections import PhaseCorrections
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import Outcome, run
from AIDEALLib.quality.findings import Severity
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.statistics.usability import Usability

LIVER_PDFF = 12.0
PROTOCOL = Protocol("six", echo_times(1.3, 2.1, 6), 1.5, snr=25)
THREE = Protocol("three", echo_times(1.2, 1.0, 3), 3.0, snr=40)
FOUR = Protocol("four", echo_times(1.26, 1.22, 4), 3.0, snr=37)
"""Echo times that show a phase between odd and even echoes badly: a hundredth of a radian moves PDFF by 0.7 points."""


def scan_of(protocol: Protocol, matrix: int = 48) -> tuple[EchoSeries, npt.NDArray[np.bool_]]:
    shape, spacing = (3, matrix, matrix), (384 / matrix, 384 / matrix, 25.0)
    truth = abdomen(5, protocol.field_strength_t, shape, spacing, None, (LIVER_PDFF, LIVER_PDFF), separate_dome=False)
    series = acquire(truth, protocol, np.random.default_rng(3))
    return replace(series, echoes=series.echoes[:, 1:2], readout=Readout.UNKNOWN), truth.labels[1:2] == 1


def _scaled(series: EchoSeries, echo: int, factor: float) -> EchoSeries:
    factors = np.ones((series.n_echoes, 1, 1, 1), np.float32)
    factors[echo] = factor
    return replace(series, echoes=series.echoes * factors)


def _turned(pattern: Pattern, constant: float, slope: float) -> Callable[[EchoSeries], EchoSeries]:
    return PhaseError(pattern, -constant, -slope, 1, 0, 0, 1, 0).correct


def _monopolar(series: EchoSeries) -> EchoSeries:
    return replace(_turned(Pattern.ODD_EVEN, 0.15, 0.1)(series), readout=Readout.MONOPOLAR)


def _imaginary(series: EchoSeries) -> EchoSeries:
    return replace(series, echoes=(series.echoes.real + 0.7j * series.echoes.imag).astype(np.complex64))


def _change(outcome: Outcome, where: npt.NDArray[np.bool_]) -> tuple[ErrorKind, float, float]:
    """Most probable error, its probability, and how it moves PDFF of the liver."""
    maps = outcome.maps
    corrections = PhaseCorrections.from_dict(maps.provenance.options[CORRECTIONS])
    found = find_echo_error(EstimatedScan(outcome.series, maps, corrections, SIX_PEAK), float(maps.provenance.noise_sd[0]))
    assert found is not None
    liver = np.abs(found.pdff - np.median(maps.pdff[where])) < 5
    return found.kind, found.probability, float(np.median(found.change_points[liver]))


@pytest.mark.parametrize(
    ("spoil", "kind", "code"),
    [
        (_turned(Pattern.FIRST, 0.5, 0.3), ErrorKind.FIRST_ECHO, "first-echo-phase"),
        (lambda series: _scaled(series, 2, 1.35), ErrorKind.SCALES, "gain-step"),
        (_monopolar, ErrorKind.ODD_EVEN, "bipolar-uncorrected"),
        (_imaginary, ErrorKind.IMAGINARY, "imaginary-scale"),
    ],
)
def test_an_error_is_named_and_spoilt_numbers_are_withheld(
    spoil: Callable[[EchoSeries], EchoSeries], kind: ErrorKind, code: str
) -> None:
    series, liver = scan_of(PROTOCOL)
    outcome = run(spoil(series), RunOptions(device="cpu"))
    where = liver & outcome.maps.mask
    found, probability, change = _change(outcome, where)
    assert found is kind and probability > 0.99
    off = float(np.median(outcome.maps.pdff[where])) - LIVER_PDFF
    if kind is not ErrorKind.IMAGINARY:  # moves voxels up and down
        assert change == pytest.approx(off, abs=max(1.0, 0.4 * abs(off)))
    assert outcome.quality is not None
    finding = next(f for f in outcome.quality.findings if f.code == code)
    reason = Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, where)
    assert reason or abs(off) <= 3
    assert not reason or finding.severity is Severity.STOP


def test_a_bipolar_read_out_of_four_echoes_that_looks_like_fat_comes_out_right_or_is_withheld() -> None:
    series, liver = scan_of(FOUR)
    outcome = run(_turned(Pattern.ODD_EVEN, 0.06, 0.3)(series), RunOptions(device="cpu"))
    where = liver & outcome.maps.mask
    off = float(np.median(outcome.maps.pdff[where])) - LIVER_PDFF
    assert abs(off) <= 3 or Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, where)


def test_scales_of_three_echoes_are_found_in_the_noise_of_air_and_can_be_taken_out() -> None:
    series, liver = scan_of(THREE, 72)
    spoilt = _scaled(series, 1, 1.2)
    outcome = run(spoilt, RunOptions(device="cpu", conjugate=Conjugate.AS_STORED))
    where = liver & outcome.maps.mask
    off = float(np.median(outcome.maps.pdff[where])) - LIVER_PDFF
    assert abs(off) > 3
    assert outcome.quality is not None
    assert next(f for f in outcome.quality.findings if f.code == "gain-step").severity is Severity.STOP
    reason = Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, where)
    assert reason.startswith("scales of the echoes")
    assert float(reason.split()[-4]) == pytest.approx(LIVER_PDFF, abs=2)  # "about 12 % without it"
    corrected = run(spoilt, RunOptions(device="cpu", conjugate=Conjugate.AS_STORED, gain_steps=GainSteps.CORRECT))
    assert float(np.median(corrected.maps.pdff[where])) == pytest.approx(LIVER_PDFF, abs=1.5)
    assert corrected.quality is not None and "gain-step" not in corrected.quality.codes()


@pytest.mark.parametrize("protocol", [PROTOCOL, FOUR])
def test_a_clean_scan_has_none(protocol: Protocol) -> None:
    series, liver = scan_of(protocol)
    outcome = run(series, RunOptions(device="cpu"))
    assert _change(outcome, liver & outcome.maps.mask)[1] < 0.01
    assert outcome.quality is not None and not {f.code for f in outcome.quality.findings if f.severity is Severity.STOP}
