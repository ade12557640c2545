"""Phase errors between echoes are found, corrected, and not invented."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage
from paths import REAL_DATA
from phase_spoiling import spoilt
from real_scans import BOTTLES, REAL_SCANS, bottle_pdff

from AIDEALLib.echoes import EchoSeries, PhaseSign, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.phase_correction.corrections import PhaseCorrections
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.phase_correction.rotation_sense import decide_sign
from AIDEALLib.io.load import load_series
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.quality.corrections import assess_corrections
from AIDEALLib.simulation.demo import demo_liver


def real(name: str) -> EchoSeries:
    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"real scans are not in {REAL_DATA}")
    return load_series(path)


@pytest.fixture(scope="module")
def liver() -> EchoSeries:
    series, _ = demo_liver(matrix=(3, 96, 96))
    return replace(series, readout=Readout.UNKNOWN, phase_sign=None)


def test_first_echo_phase_is_corrected_on_request(liver: EchoSeries) -> None:
    series = spoilt(liver, 0.5, 0.8, 0, Pattern.FIRST)
    plan = plan_corrections(series, SIX_PEAK)
    assert not plan.applied and plan.first_echo is not None and plan.first_echo.clear
    assert [e.pattern for e in plan_corrections(series, SIX_PEAK, RunOptions(first_echo="auto")).applied] == [Pattern.FIRST]


def test_choices(liver: EchoSeries) -> None:
    series = spoilt(liver, 0.6, 1.0, 1)
    assert plan_corrections(series, SIX_PEAK).applied
    assert plan_corrections(series, SIX_PEAK, RunOptions(bipolar="yes")).applied
    refused = plan_corrections(series, SIX_PEAK, RunOptions(bipolar="no"))
    assert not refused.applied and "Not corrected" in refused.notes[0]
    assert not plan_corrections(replace(series, readout=Readout.MONOPOLAR), SIX_PEAK).applied
    slight = spoilt(liver, 0.05, 0.0, 1)
    assert not plan_corrections(slight, SIX_PEAK).applied
    assert plan_corrections(replace(slight, readout=Readout.BIPOLAR), SIX_PEAK).applied
    with pytest.raises(InputError, match="bipolar is 'perhaps'"):
        plan_corrections(series, SIX_PEAK, RunOptions(bipolar="perhaps"))


def test_three_echoes_leave_phase_errors_undetermined(liver: EchoSeries) -> None:
    short = replace(liver, echoes=liver.echoes[:3], te_s=liver.te_s[:3])
    plan = plan_corrections(short, SIX_PEAK, RunOptions(bipolar="yes"))
    assert not plan.applied and "cannot be determined" in plan.notes[0]


@pytest.mark.parametrize("conjugated", [False, True])
def test_corrections_restore_the_echoes(liver: EchoSeries, conjugated: bool) -> None:
    series = spoilt(liver, 0.6, 1.5, 1)
    series = series.conjugate() if conjugated else series
    plan = plan_corrections(series, SIX_PEAK)
    assert plan.conjugated is conjugated
    corrected = np.stack([plan.apply(series.echoes[:, s], s) for s in range(3)], 1)
    ratio = corrected * np.conj(liver.echoes)
    bright = np.abs(liver.echoes).min(0) > 0.2 * np.abs(liver.echoes).max()
    between = np.angle(ratio[1:] * np.conj(ratio[:-1]))[:, bright]  # a common phase and a shift of the field do not matter
    wobble = np.diff(between, axis=0)
    assert np.abs(np.angle(np.exp(2j * wobble))).max() < 0.15


def test_slices_that_differ_are_corrected_one_by_one(liver: EchoSeries) -> None:
    echoes = liver.echoes.copy()
    for s, constant in enumerate((0.3, 0.5, 0.75)):
        one = replace(liver, echoes=liver.echoes[:, s : s + 1])
        echoes[:, s : s + 1] = spoilt(one, constant, 0.8, 1).echoes
    plan = plan_corrections(replace(liver, echoes=echoes), SIX_PEAK)
    assert plan.as_dict()["slice_by_slice"]
    constants = [e.constant_rad for e in plan.by_slice if e is not None]
    np.testing.assert_allclose(constants, (0.3, 0.5, 0.75), atol=0.05)


def test_gain_steps_are_divided_out_on_request_only(liver: EchoSeries) -> None:
    scales = np.array([1, 1, 1.25, 1, 0.9, 1], np.float32)
    stepped = replace(liver, echoes=liver.echoes * scales[:, None, None, None])
    assert plan_corrections(stepped, SIX_PEAK).gains == ()
    plan = plan_corrections(stepped, SIX_PEAK, RunOptions(gain_steps="yes"))
    np.testing.assert_allclose(plan.gains, scales, atol=0.02)
    corrected = plan.apply(stepped.echoes[:, 1], 1)
    assert np.abs(corrected - liver.echoes[:, 1]).max() < 0.03 * np.abs(liver.echoes).max()
    assert any("Divided out" in note for note in plan.notes)


def test_corrections_read_from_provenance_can_be_applied(liver: EchoSeries) -> None:
    series = spoilt(spoilt(liver, 0.6, 2.0, 1), 0.5, 0.4, 0, Pattern.FIRST).conjugate()
    plan = plan_corrections(series, SIX_PEAK, RunOptions(conjugate="yes", first_echo="auto"))
    assert plan.conjugated and len(plan.applied) == 2
    again = PhaseCorrections.from_dict(json.loads(json.dumps(plan.as_dict())))
    np.testing.assert_allclose(again.apply(series.echoes[:, 0], 0), plan.apply(series.echoes[:, 0], 0), atol=1e-3)
    one_by_one = replace(plan, by_slice=(plan.applied[0], None, plan.applied[0]))
    assert PhaseCorrections.from_dict(one_by_one.as_dict()).by_slice[1] is None


@pytest.mark.parametrize("mirrored", [False, True])
def test_opposite_phases_of_slices_do_not_cancel(mirrored: bool) -> None:
    series, truth = demo_liver(matrix=(4, 96, 96))
    clean = replace(series, readout=Readout.UNKNOWN, phase_sign=None)
    echoes = clean.echoes.copy()
    wanted = (0.35, -0.35, 0.35, -0.35)
    for s, constant in enumerate(wanted):
        one = replace(clean, echoes=clean.echoes[:, s : s + 1])
        echoes[:, s : s + 1] = spoilt(one, constant, 0.0, 1).echoes
    scan = replace(clean, echoes=np.conj(echoes) if mirrored else echoes)
    plan = plan_corrections(scan, SIX_PEAK)
    assert plan.conjugated is mirrored
    assert len(plan.by_slice) == 4
    corrected = np.stack([plan.apply(scan.echoes[:, s], s) for s in range(4)], 1)
    # What is left of the phase, modulo the quarter turn that only shifts the field.
    step = np.angle((corrected * np.conj(clean.echoes))[:, truth.labels > 0])
    odd_even = step[0] - 2 * step[1] + step[2]
    assert np.median(np.abs((odd_even + np.pi) % (2 * np.pi) - np.pi)) < 0.2
    assert PhaseCorrections.from_dict(json.loads(json.dumps(plan.as_dict()))).by_slice[3] is not None
    assert "bipolar-corrected" in {finding.code for finding in assess_corrections(plan)}


@pytest.mark.parametrize("name", REAL_SCANS)
def test_conjugated_copies_of_real_scans_are_recognised(name: str) -> None:
    series = replace(real(name), phase_sign=None)
    given, mirrored = plan_corrections(series, SIX_PEAK), plan_corrections(series.conjugate(), SIX_PEAK)
    assert given.sign_decided and mirrored.sign_decided
    assert given.conjugated is not mirrored.conjugated
    assert given.conjugated is ("thorax" in name)
    assert decide_sign(series, SIX_PEAK).sign is (PhaseSign.CONJUGATED if "thorax" in name else PhaseSign.AS_MODEL)


@pytest.mark.parametrize("name", REAL_SCANS[:3])
def test_real_monopolar_scans_are_left_alone(name: str) -> None:
    assert not plan_corrections(replace(real(name), phase_sign=None), SIX_PEAK, RunOptions(first_echo="auto")).applied


@pytest.mark.parametrize("conjugated", [False, True])
def test_bottles(conjugated: bool) -> None:
    series = real(BOTTLES)
    plan = plan_corrections(series.conjugate() if conjugated else series, SIX_PEAK)
    assert [e.pattern for e in plan.applied] == [Pattern.ODD_EVEN]
    found = bottle_pdff(plan.apply((series.conjugate() if conjugated else series).echoes[:, 0], 0), series)
    np.testing.assert_allclose(found, (25.5, 1.3, 2.0), atol=1.5)


def test_bottles_naive_for_comparison() -> None:
    series = real(BOTTLES)
    naive = np.array(bottle_pdff(series.echoes[:, 0], series))
    assert np.abs(naive - (25.5, 1.3, 2.0)).max() > 2
    assert scipy.ndimage.label(np.abs(series.echoes[0, 0]) > 0.05 * np.abs(series.echoes[0, 0]).max())[1] >= 1
