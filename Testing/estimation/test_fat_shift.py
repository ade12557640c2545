"""Wrong echo times and field strengths are found from the frequency of fat and from its phase at excitation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.fat_shift import find_fat_scale, readings
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK

TE_S = 0.0012 + 0.0016 * np.arange(6)
SNR = 40.0


def voxels(te_s: np.ndarray = TE_S, tesla: float = 1.5, snr: float = SNR) -> EchoSeries:
    """Voxels of every fat fraction, in a smooth field, surrounded by air."""
    rng = np.random.default_rng(2)
    fat = torch.from_numpy(rng.uniform(0, 1, (24, 24))).to(torch.complex128)
    field = torch.from_numpy(np.add.outer(np.linspace(-60, 60, 24), np.linspace(-30, 30, 24)))
    te = torch.from_numpy(te_s)
    r2star = torch.full((24, 24), 40.0, dtype=torch.float64)
    signal = synthesise(1 - fat, fat, field, r2star, te, SIX_PEAK.modulation(te, tesla)).numpy()
    echoes = np.zeros((te_s.size, 1, 40, 40), np.complex128)
    echoes[:, 0, 8:32, 8:32] = signal
    echoes += (rng.normal(size=(*echoes.shape, 2)) / snr).view(np.complex128)[..., 0]
    return EchoSeries(echoes.astype(np.complex64), te_s, tesla)


def stretched(series: EchoSeries, factor: float) -> EchoSeries:
    return replace(series, te_s=series.te_s * factor)


@pytest.mark.parametrize("tesla", [1.5, 3.0])
def test_a_right_protocol_has_the_shift_of_its_spectrum(tesla: float) -> None:
    found = find_fat_scale(voxels(tesla=tesla), SIX_PEAK)
    assert found is not None and not found.mirrored
    assert found.factor == pytest.approx(1, abs=0.02)
    assert found.gain < 1.02


@pytest.mark.parametrize(
    ("spoil", "factor"),
    [
        (lambda s: stretched(s, 1.25), 0.8),
        (lambda s: stretched(s, 0.7), 1 / 0.7),
        (lambda s: replace(s, field_strength_t=3.0), 0.5),
        (lambda s: replace(s, te_s=s.te_s[0] + 1.1 * (s.te_s - s.te_s[0])), 1 / 1.1),
        (lambda s: replace(s, field_strength_t=1.5 * 3.4 / 3.25), 3.25 / 3.4),
    ],
    ids=["longer", "shorter", "field strength", "spacing", "cold"],
)
def test_a_wrong_protocol_is_found_with_its_factor(spoil: Callable[[EchoSeries], EchoSeries], factor: float) -> None:
    found = find_fat_scale(spoil(voxels()), SIX_PEAK)
    assert found is not None
    assert found.factor == pytest.approx(factor, rel=0.03)
    assert found.gain > 1.02 and found.z > 4


def test_three_echoes_do_not_tell() -> None:
    assert find_fat_scale(voxels(TE_S[:3]), SIX_PEAK) is None


def test_readings_of_a_phase_follow_from_the_projection() -> None:
    """Water and fat of a known phase: PDFF = Re(F conj(S)) / |S|^2, as the fit of a right shift leaves both as they are."""
    turn = np.exp(0.8j)
    for read, true in readings(voxels(), SIX_PEAK, 1.0, 0.8):
        fat = true / 100 * turn
        total = 1 - true / 100 + fat
        assert read == pytest.approx(100 * (fat * np.conj(total)).real / abs(total) ** 2, abs=0.01)


def test_readings_of_a_right_protocol_are_true() -> None:
    for read, true in readings(voxels(), SIX_PEAK, 1.0, 0.0):
        assert read == pytest.approx(true, abs=0.01)
