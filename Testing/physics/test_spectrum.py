"""Fat spectra: shifts, phasors, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.errors import InputError
from AIDEALLib.physics.spectrum import SINGLE_PEAK, SIX_PEAK, SPECTRA, FatSpectrum, spectrum_by_name

PPM = np.array([-3.80, -3.40, -2.60, -1.94, -0.39, 0.60])
AMPLITUDES = np.array([0.087, 0.693, 0.128, 0.004, 0.039, 0.048])


@pytest.mark.parametrize("field_t", [0.35, 1.5, 3.0, 7.0])
def test_phasor_is_the_sum_over_peaks(te_s: torch.Tensor, field_t: float) -> None:
    t = te_s.numpy()
    expected = (AMPLITUDES / AMPLITUDES.sum() * np.exp(2j * np.pi * np.outer(t, PPM * 42.577 * field_t))).sum(1)
    assert np.allclose(SIX_PEAK.modulation(te_s, field_t).numpy(), expected, rtol=0, atol=1e-12)


def test_shifts_in_hz() -> None:
    assert SIX_PEAK.shifts_hz(1.5) == pytest.approx(PPM * 42.577 * 1.5)
    assert SIX_PEAK.mean_shift_hz(3.0) == pytest.approx(float((AMPLITUDES / AMPLITUDES.sum() * PPM).sum() * 42.577 * 3.0))


@pytest.mark.parametrize("spectrum", SPECTRA.values(), ids=SPECTRA.keys())
def test_every_bundled_spectrum(spectrum: FatSpectrum) -> None:
    assert sum(spectrum.amplitudes) == pytest.approx(1)
    assert spectrum.reference
    assert abs(complex(spectrum.modulation(torch.zeros(1, dtype=torch.float64), 3.0)[0]) - 1) < 1e-12
    assert -3.5 < spectrum.mean_shift_hz(1.0) / 42.577 < -2.5
    assert spectrum_by_name(spectrum.name) is spectrum


def test_offset_moves_every_peak_and_is_in_the_name() -> None:
    warm, cold = SINGLE_PEAK, SINGLE_PEAK.shifted(0.08)
    assert cold.ppm == pytest.approx((-3.32,))
    assert cold.amplitudes == warm.amplitudes
    assert "+0.08 ppm" in cold.name
    assert warm.shifted(0.0).name == warm.name


@pytest.mark.parametrize(
    ("ppm", "amplitudes", "message"),
    [
        ((), (), "0 shifts"),
        ((-3.4, 0.6), (1.0,), "2 shifts and 1 amplitudes"),
        ((-3.4, 0.6), (1.2, -0.2), "none negative"),
        ((-3.4,), (0.0,), "positive sum"),
        ((-3.4,), (float("nan"),), "positive sum"),
    ],
)
def test_refused(ppm: tuple[float, ...], amplitudes: tuple[float, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        FatSpectrum("mine", ppm, amplitudes)


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(InputError, match="'seven-peak'.*six-peak, liver-nine-peak"):
        spectrum_by_name("seven-peak")
