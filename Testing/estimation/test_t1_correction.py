"""PDFF of a T1-weighted scan is corrected on request, with the uncertainty of T1 in the stated SD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.t1_correction import required_t1_weighting
from AIDEALLib.io.sequence_words import other_sequence
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.t1_weighting import T1_BY_FIELD_T, T1Weighting, steady_state
from AIDEALLib.quality.protocol import assess_protocol

FLIP_DEG, REPETITION_S = 20.0, 0.012
QUICK = RunOptions(method="one-shot", device="cpu", conjugate="no", bipolar="no")


@pytest.fixture(scope="module")
def weighted() -> EchoSeries:
    """A disc of PDFF 12.5 % under T1 weighting, with little noise."""
    te = torch.linspace(1.3e-3, 11.8e-3, 6, dtype=torch.float64)
    y, x = np.mgrid[-1:1:48j, -1:1:48j]
    disc = torch.from_numpy((x**2 + y**2 < 0.7).astype(np.complex128))
    t1 = T1_BY_FIELD_T[1.5]
    water, fat = (steady_state(FLIP_DEG, REPETITION_S, s) for s in (t1.water_s, t1.fat_s))
    field = torch.from_numpy(20.0 * x)
    echoes = synthesise(
        0.875 * water * disc, 0.125 * fat * disc, field, torch.full_like(field, 40.0), te, SIX_PEAK.modulation(te, 1.5)
    )
    rng = np.random.default_rng(0)
    noise = 2e-3 * water * (rng.normal(size=echoes.shape) + 1j * rng.normal(size=echoes.shape))
    return EchoSeries(
        (echoes.numpy() + noise)[:, None].astype(np.complex64),
        te.numpy(),
        1.5,
        flip_angle_deg=FLIP_DEG,
        repetition_time_s=REPETITION_S,
    )


def test_the_corrected_pdff_is_the_true_one(weighted: EchoSeries) -> None:
    plain, corrected = estimate(weighted, QUICK), estimate(weighted, replace(QUICK, t1="correct"))
    inside = plain.mask
    assert np.median(plain.pdff[inside]) > 16
    assert np.median(corrected.pdff[inside]) == pytest.approx(12.5, abs=0.2)
    np.testing.assert_allclose(corrected.water + corrected.fat, plain.water + plain.fat, rtol=1e-5)
    np.testing.assert_allclose(
        100 * corrected.fat[inside], (corrected.pdff * (corrected.water + corrected.fat))[inside], rtol=1e-4
    )
    assert np.median(corrected.pdff_sd[inside]) > np.median(plain.pdff_sd[inside]), "T1 differs between people"
    assert any("Corrected T1 weighting" in note for note in corrected.provenance.notes)
    assert corrected.provenance.options["run"]["t1"] == "correct"
    assert not corrected.pdff[~inside].any()


def test_the_correction_needs_flip_angle_and_repetition_time(weighted: EchoSeries) -> None:
    unknown = replace(weighted, flip_angle_deg=None)
    with pytest.raises(InputError, match="does not state them"):
        estimate(unknown, replace(QUICK, t1="correct"))


def test_what_is_not_known_of_the_weighting_is_stated(weighted: EchoSeries) -> None:
    def notes(series: EchoSeries) -> str:
        return " ".join(estimate(series, QUICK).provenance.notes)

    assert "not known" not in notes(weighted)
    assert "does not state its flip angle and repetition time" in notes(
        replace(weighted, flip_angle_deg=None, repetition_time_s=None)
    )
    assert "does not state its repetition time" in notes(replace(weighted, repetition_time_s=None))


def test_the_excitation_stays_with_the_maps(weighted: EchoSeries) -> None:
    stored = estimate(weighted, QUICK).provenance.options["excitation"]
    assert stored == {"flip_angle_deg": FLIP_DEG, "repetition_time_s": REPETITION_S, "contrast_agent": None}


@pytest.mark.parametrize(("angle_deg", "warned"), [(4.0, False), (20.0, True)])
def test_a_steep_angle_is_a_warning_without_the_repetition_time(weighted: EchoSeries, angle_deg: float, warned: bool) -> None:
    series = replace(weighted, flip_angle_deg=angle_deg, repetition_time_s=None)
    found = [f for f in assess_protocol(series, SIX_PEAK, 40.0, QUICK) if f.code == "t1-bias"]
    assert bool(found) is warned
    if warned:
        least, most = (T1Weighting.of(angle_deg, tr, 1.5).apparent(10.0) for tr in (0.03, 0.006))
        assert f"{least:.1f} to {most:.1f} %" in found[0].sentence


def test_t1_after_a_contrast_agent_is_not_known(weighted: EchoSeries) -> None:
    with pytest.raises(InputError, match="after a contrast agent"):
        estimate(replace(weighted, contrast_agent=True), replace(QUICK, t1="correct"))


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ({"ScanningSequence": "SE"}, "a spin echo"),
        ({"EchoPulseSequence": "SPIN"}, "a spin echo"),
        ({"ScanningSequence": "['GR', 'IR']"}, "an inversion recovery"),
        ({"ScanningSequence": "GR", "InversionTime": "200"}, "an inversion recovery"),
        ({"ScanningSequence": "GR", "SequenceName": "*tfi2d1"}, "a balanced steady state"),
        ({"SteadyStatePulseSequence": "BALANCED"}, "a balanced steady state"),
        ({"ScanningSequence": "GR", "SequenceVariant": "SP\\OSP", "SequenceName": "*fl3d6", "InversionTime": "0"}, ""),
        ({"ScanningSequence": "RM", "SequenceVariant": "SS\\SP"}, ""),
        ({}, ""),
    ],
)
def test_sequences_that_are_no_spoiled_gradient_echo_are_not_corrected(
    weighted: EchoSeries, stated: dict[str, str], kind: str
) -> None:
    assert other_sequence(lambda keyword: stated.get(keyword, "")) == kind
    if kind:
        with pytest.raises(InputError, match=kind):
            required_t1_weighting(replace(weighted, other_sequence=kind))
