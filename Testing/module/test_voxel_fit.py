"""The plotted fit: exact without noise, and a band that covers what it says."""

from __future__ import annotations

import numpy as np
import torch

from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.voxel_fit import fit_voxel

TE = 1.3e-3 + 2.1e-3 * np.arange(6)


def signal(field_hz: float = 60.0, r2star: float = 40.0, water: complex = 80 + 10j, fat: complex = 20 + 3j) -> np.ndarray:
    c = SIX_PEAK.modulation(torch.from_numpy(TE), 1.5).numpy()
    return (water + fat * c) * np.exp(2j * np.pi * field_hz * TE - r2star * TE)


def fitted(echoes: np.ndarray, noise_sd: float) -> object:
    return fit_voxel(
        echoes, TE, 1.5, field_hz=60.0, r2star_per_s=40.0, noise_sd=noise_sd, ppm=SIX_PEAK.ppm, amplitudes=SIX_PEAK.amplitudes
    )


def test_curve_goes_through_noiseless_echoes() -> None:
    fit = fitted(signal(), 0.0)
    np.testing.assert_allclose(np.interp(fit.te_s, fit.time_s, fit.fitted), np.abs(signal()), rtol=2e-3)  # type: ignore[attr-defined]
    assert fit.residual_percent < 1e-9  # type: ignore[attr-defined]


def test_band_covers_new_measurements() -> None:
    rng = np.random.default_rng(1)
    sd, covered = 5.0, []
    for _ in range(300):
        noise = sd * (rng.standard_normal((2, 6)) + 1j * rng.standard_normal((2, 6)))
        fit = fitted(signal() + noise[0], sd)
        again = np.abs(signal() + noise[1])
        low, high = (np.interp(TE, fit.time_s, bound) for bound in (fit.lower, fit.upper))  # type: ignore[attr-defined]
        covered.append((again >= low) & (again <= high))
    assert 0.93 < np.mean(covered) < 0.975
