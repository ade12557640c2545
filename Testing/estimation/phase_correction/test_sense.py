"""The rotation sense where the residual decides nothing: by what tissue allows, with a probability, or left open."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from AIDEALLib.choices import Conjugate
from AIDEALLib.echoes import EchoSeries, PhaseSign
from AIDEALLib.estimation.phase_correction.corrections import PhaseCorrections
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.phase_correction.sense import ENOUGH, decide_sense
from AIDEALLib.estimation.phase_correction.sign_trial import SignReading, SignTrial
from AIDEALLib.models import load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import run
from AIDEALLib.quality.corrections import HARMLESS_POINTS, assess_corrections
from AIDEALLib.quality.findings import Severity
from AIDEALLib.quality.preflight import UnusableScan
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER, Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.tissue import TissueMaps


@pytest.fixture(scope="module")
def three() -> tuple[EchoSeries, TissueMaps]:
    """Three echoes of the synthetic liver, whose source states no rotation sense."""
    series, truth = demo_liver(matrix=(4, 80, 80))
    return replace(series, echoes=series.echoes[:3], te_s=series.te_s[:3], phase_sign=None), truth


@pytest.mark.parametrize("conjugated", [False, True])
def test_three_echoes_read_the_same_in_either_sense(three: tuple[EchoSeries, TissueMaps], conjugated: bool) -> None:
    series, truth = three
    outcome = run(series.conjugate() if conjugated else series, RunOptions(device="cpu"))
    liver = truth.labels > 0
    assert np.median(outcome.maps.pdff[liver]) == pytest.approx(float(np.median(truth.pdff_percent[liver])), abs=1.0)
    corrections = outcome.maps.provenance.options["phase_corrections"]
    assert corrections["conjugated"] is conjugated and corrections["sign_decided"]
    assert corrections["sign_probability"] > ENOUGH
    assert outcome.quality is not None and "sign-by-plausibility" in outcome.quality.codes()


def test_vials_are_decided_by_r2star() -> None:
    """No skin, no anatomy: R2* of the wrong reading is negative."""
    tissue = phantom(1, 1.5, (1, 80, 80), pixel_mm=3.6)
    protocol = replace(PAPER, te_s=echo_times(1.6, 1.55, 3), snr=40.0)
    series = replace(acquire(tissue, protocol, np.random.default_rng(0)), phase_sign=None)
    for conjugated in (False, True):
        found = decide_sense(series.conjugate() if conjugated else series, Conjugate.AUTO, SIX_PEAK, load_networks)
        assert found.conjugated is conjugated, found


def test_half_a_period_of_fat_makes_the_sense_irrelevant() -> None:
    protocol = Protocol("half", echo_times(2.3, 2.3, 3), 1.5, snr=30.0)  # the main peak turns by half a turn
    series = replace(acquire(phantom(1, 1.5, (1, 80, 80), pixel_mm=3.6), protocol, np.random.default_rng(0)), phase_sign=None)
    found = decide_sense(series, Conjugate.AUTO, SIX_PEAK, load_networks)
    assert found.decided and found.trial is not None and found.trial.agree


def trial(surplus: float) -> SignTrial:
    return SignTrial(SignReading(10.0, surplus, 80.0 * (surplus < 0)), SignReading(94.0, 0.0, 80.0 * (surplus > 0)), 80.0)


def test_an_open_sense_is_a_reason_to_stop(three: tuple[EchoSeries, TissueMaps], monkeypatch: pytest.MonkeyPatch) -> None:
    from AIDEALLib.estimation.phase_correction import sense

    undecided = replace(trial(0.0), given=replace(trial(0.0).given, negative_r2star=0.01))
    monkeypatch.setattr(sense, "try_both_signs", lambda *_: undecided)
    plan = plan_corrections(three[0], SIX_PEAK)
    assert not plan.sign_decided and plan.sign_probability < ENOUGH
    (finding,) = (f for f in assess_corrections(plan) if f.code == "sign-undecided")
    assert finding.severity is Severity.STOP
    assert "10 % as stored and 94 % with the phase conjugated" in finding.sentence
    with pytest.raises(UnusableScan, match="rotation sense of the phase is open"):
        run(three[0], RunOptions(device="cpu"))
    for choice in ("no", "yes"):
        assert run(three[0], RunOptions(device="cpu", method="one-shot", conjugate=choice)).maps.mask.any()


def test_a_stated_sense_can_be_outweighed(three: tuple[EchoSeries, TissueMaps], monkeypatch: pytest.MonkeyPatch) -> None:
    from AIDEALLib.estimation.phase_correction import sense

    stated = replace(three[0], phase_sign=PhaseSign.AS_MODEL)
    monkeypatch.setattr(sense, "try_both_signs", lambda *_: trial(0.1))
    weak = decide_sense(stated, Conjugate.AUTO, SIX_PEAK, load_networks)
    free = decide_sense(three[0], Conjugate.AUTO, SIX_PEAK, load_networks)
    assert (free.conjugated and free.probability > weak.probability) or not weak.conjugated
    monkeypatch.setattr(sense, "try_both_signs", lambda *_: trial(2.0))
    assert decide_sense(stated, Conjugate.AUTO, SIX_PEAK, load_networks).conjugated


def test_the_decision_survives_provenance() -> None:
    plan = PhaseCorrections(True, "", False, sign_probability=0.8, sign_trial=trial(0.3))
    again = PhaseCorrections.from_dict(json.loads(json.dumps(plan.as_dict())))
    assert again.sign_trial == plan.sign_trial and again.sign_probability == 0.8
    old = {k: v for k, v in plan.as_dict().items() if k not in ("sign_probability", "sign_trial")}
    assert PhaseCorrections.from_dict(old).sign_trial is None
    assert asdict(trial(0.3))["given"]["pdff_median"] == 10.0


def test_fat_in_water_is_no_reason_to_go_on() -> None:
    """A typical voxel is water in both readings; the bottle of fat is exchanged."""
    te = torch.tensor(echo_times(1.3, 2.1, 3), dtype=torch.float64)
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    disc, bottle = x**2 + y**2 < 0.56, x**2 + y**2 < 0.14
    water, fat = (torch.from_numpy(part.astype(np.complex128)) for part in (disc & ~bottle, bottle))
    field = torch.from_numpy(30.0 * x + 20.0 * y)
    echoes = synthesise(water, fat, field, torch.full_like(field, 40.0), te, SIX_PEAK.modulation(te, 1.5)).numpy()
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=echoes.shape) + 1j * rng.normal(size=echoes.shape)) / 40
    series = EchoSeries((echoes + noise)[:, None], te.numpy(), 1.5)
    plan = plan_corrections(series, SIX_PEAK)
    assert plan.sign_trial is not None
    assert plan.sign_trial.difference_points < HARMLESS_POINTS < 100 * plan.sign_trial.other_share
    (finding,) = (f for f in assess_corrections(plan) if f.code == "sign-undecided")
    assert finding.severity is Severity.STOP and "exchanges water and fat" in finding.sentence
