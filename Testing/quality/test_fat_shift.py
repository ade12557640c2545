"""Wrong echo times and field strengths that fit well are found, and numbers off by more than three points are withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.choices import Conjugate
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import run
from AIDEALLib.quality.findings import Severity
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.statistics.usability import Usability

PROTOCOLS = {
    "three": Protocol("three", echo_times(1.6, 1.55, 3), 1.5, snr=30),
    "six": Protocol("six", echo_times(1.2, 1.0, 6), 3.0, snr=30),
    "noisy": Protocol("noisy", echo_times(1.3, 2.1, 6), 1.5, snr=12),
}
CODES = {"fat-shift", "fat-phase"}
LIVER_PDFF = 24.0
FEW_PERCENT = 1.02

Scan = tuple[EchoSeries, np.ndarray]


def scan_of(name: str, pdff: float = LIVER_PDFF, r2star: float | None = None) -> Scan:
    protocol = PROTOCOLS[name]
    truth = abdomen(5, protocol.field_strength_t, (3, 48, 48), (8.0, 8.0, 25.0), r2star, (pdff, pdff), separate_dome=False)
    series = acquire(truth, protocol, np.random.default_rng(3))
    return replace(series, echoes=series.echoes[:, 1:2]), truth.labels[1:2] == 1


def spacing(series: EchoSeries, factor: float) -> EchoSeries:
    return replace(series, te_s=series.te_s[0] + factor * (series.te_s - series.te_s[0]))


def later(series: EchoSeries, milliseconds: float) -> EchoSeries:
    return replace(series, te_s=series.te_s + milliseconds / 1000)


def outcome_of(series: EchoSeries, liver: np.ndarray) -> tuple[set[str], float, str]:
    """Findings on fat, the error of the liver's median, and why its number is withheld."""
    sense = Conjugate.AS_STORED  # a wrong spacing may leave the rotation sense open, which stops a run as well
    outcome = run(series, RunOptions(device="cpu", conjugate=sense))
    assert outcome.quality is not None
    where = liver & outcome.maps.mask
    reason = Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, where)
    stops = {f.code for f in outcome.quality.findings if f.severity is Severity.STOP}
    assert not reason or stops  # a withheld number has its finding, and the run its exit status
    return CODES & outcome.quality.codes(), float(np.median(outcome.maps.pdff[where])) - LIVER_PDFF, reason


@pytest.mark.parametrize(
    ("protocol", "spoil"),
    [
        ("six", lambda s: spacing(s, 1.25)),
        ("six", lambda s: replace(s, te_s=0.75 * s.te_s)),
        ("six", lambda s: later(s, 0.35)),
        ("three", lambda s: later(s, 0.8)),
        ("three", lambda s: spacing(s, 0.75)),
        ("noisy", lambda s: replace(s, field_strength_t=1.2)),
    ],
)
def test_a_wrong_protocol_withholds_numbers_that_it_spoils(protocol: str, spoil: Callable[[EchoSeries], EchoSeries]) -> None:
    series, liver = scan_of(protocol)
    codes, off, reason = outcome_of(spoil(series), liver)
    assert codes
    assert reason or abs(off) <= 3 or series.n_echoes == 3  # of three echoes, the spacing is not known


@pytest.mark.parametrize("protocol", ["three", "noisy"])
def test_a_right_protocol_raises_nothing(protocol: str) -> None:
    codes, off, reason = outcome_of(*scan_of(protocol))
    assert not codes and not reason and abs(off) < 2


@pytest.mark.parametrize(("pdff", "r2star"), [(2.0, None), (5.0, 250.0)], ids=["little fat", "iron"])
def test_little_fat_and_iron_raise_nothing(pdff: float, r2star: float | None) -> None:
    codes, _, reason = outcome_of(*scan_of("six", pdff, r2star))
    assert not codes and not reason


def test_a_factor_of_a_few_percent_is_no_error() -> None:
    """Fields of 1.494 T for 1.5 T, and the spread of published shifts of fat."""
    series, liver = scan_of("six")
    codes, _, reason = outcome_of(replace(series, field_strength_t=FEW_PERCENT * series.field_strength_t), liver)
    assert not codes and not reason


@pytest.mark.parametrize("protocol", ["six", "noisy"])
def test_a_rotation_sense_requested_wrongly_is_named(protocol: str) -> None:
    series, liver = scan_of(protocol)
    outcome = run(series, RunOptions(device="cpu", conjugate="yes"))
    assert outcome.quality is not None
    stops = {f.code for f in outcome.quality.findings if f.severity is Severity.STOP}
    assert "sign-contradicts" in stops and "fat-shift" not in outcome.quality.codes()
    reason = Usability.of(outcome.maps.provenance.as_dict()).reason(outcome.maps, liver & outcome.maps.mask)
    assert "rotation sense" in reason
    right = run(series.conjugate(), RunOptions(device="cpu", conjugate="yes"))
    assert right.quality is not None and "sign-contradicts" not in right.quality.codes()


def test_mirrored_echoes_are_no_matter_of_echo_times_alone() -> None:
    series, _ = scan_of("six")
    echoes = series.echoes.copy()
    echoes[3:] = np.conj(echoes[3:])
    outcome = run(replace(series, echoes=echoes), RunOptions(device="cpu", conjugate="no"))
    assert outcome.quality is not None
    for finding in outcome.quality.findings:
        assert finding.code != "fat-shift" or "something else, is wrong" in finding.sentence
    assert any(f.severity is Severity.STOP for f in outcome.quality.findings)
    wrong = run(spacing(series, 1.25), RunOptions(device="cpu", conjugate="no"))
    assert wrong.quality is not None
    (finding,) = (f for f in wrong.quality.findings if f.code == "fat-shift")
    assert "something else" not in finding.sentence
