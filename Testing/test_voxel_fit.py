"""The plotted fit: exact without noise, and a band of the stated coverage."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.phase_correction.corrections import PhaseCorrections
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.voxel_fit import EchoProtocol, VoxelEstimate, VoxelFit, corrected_samples, fit_voxel

TE = 1.3e-3 + 2.1e-3 * np.arange(6)


def signal(field_hz: float = 60.0, r2star: float = 40.0, water: complex = 80 + 10j, fat: complex = 20 + 3j) -> np.ndarray:
    c = SIX_PEAK.modulation(torch.from_numpy(TE), 1.5).numpy()
    return (water + fat * c) * np.exp(2j * np.pi * field_hz * TE - r2star * TE)


def fitted(echoes: np.ndarray, noise_sd: float) -> VoxelFit:
    protocol = EchoProtocol(TE.tolist(), 1.5, SIX_PEAK.ppm, SIX_PEAK.amplitudes)
    return fit_voxel(echoes, protocol, VoxelEstimate(60.0, 40.0, noise_sd))


def test_curve_goes_through_noiseless_echoes() -> None:
    fit = fitted(signal(), 0.0)
    np.testing.assert_allclose(np.interp(fit.te_s, fit.time_s, fit.fitted), np.abs(signal()), rtol=2e-3)
    assert fit.residual_percent < 1e-9


def test_band_covers_new_measurements() -> None:
    rng = np.random.default_rng(1)
    sd, covered = 5.0, []
    for _ in range(300):
        noise = sd * (rng.standard_normal((2, 6)) + 1j * rng.standard_normal((2, 6)))
        fit = fitted(signal() + noise[0], sd)
        second = np.abs(signal() + noise[1])
        low, high = (np.interp(TE, fit.time_s, bound) for bound in (fit.lower, fit.upper))
        covered.append((second >= low) & (second <= high))
    assert 0.93 < np.mean(covered) < 0.975


def error(pattern: Pattern, constant: float, slope: float, axis: int) -> PhaseError:
    return PhaseError(pattern, constant, slope, axis, 10.0, 1.0, 10.0, 50.0)


@pytest.mark.parametrize("conjugated", [False, True])
@pytest.mark.parametrize("own", [(), (None, error(Pattern.ODD_EVEN, -0.4, 0.2, 0), None)])
def test_samples_are_corrected_as_for_the_estimate(conjugated: bool, own: tuple[PhaseError | None, ...]) -> None:
    odd_even, first = error(Pattern.ODD_EVEN, 0.3, 1.1, 1), error(Pattern.FIRST, 0.2, -0.5, 0)
    corrections = PhaseCorrections(
        conjugated, "", True, odd_even, first, (odd_even, first), own, gains=(1.0, 1.1, 0.9, 1.0, 1.2, 1.0)
    )
    rng = np.random.default_rng(3)
    echoes = (rng.standard_normal((6, 3, 5, 7)) + 1j * rng.standard_normal((6, 3, 5, 7))).astype(np.complex64)
    stored = json.loads(json.dumps(corrections.as_dict()))
    for voxel in ((0, 0, 0), (1, 4, 2), (2, 3, 6)):
        expected = corrections.apply(echoes[:, voxel[0]], voxel[0])[:, voxel[1], voxel[2]]
        np.testing.assert_allclose(
            corrected_samples(echoes[(slice(None), *voxel)], stored, voxel, (3, 5, 7)), expected, atol=1e-4
        )


def test_what_was_found_but_not_applied_is_left_alone() -> None:
    found = PhaseCorrections(False, "", True, error(Pattern.ODD_EVEN, 0.3, 1.1, 1), error(Pattern.FIRST, 0.2, 0.0, 0))
    samples = np.arange(6) + 1j
    np.testing.assert_array_equal(corrected_samples(samples, found.as_dict(), (0, 0, 0), (3, 5, 7)), samples)
    np.testing.assert_array_equal(corrected_samples(samples, {}, (0, 0, 0), (3, 5, 7)), samples)
