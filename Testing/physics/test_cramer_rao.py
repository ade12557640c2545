"""The Cramer-Rao bound: published yardsticks, and a Fisher matrix by finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.physics.cramer_rao import cramer_rao
from AIDEALLib.physics.spectrum import SIX_PEAK

YARDSTICKS = {5.0: (6.9, 3.5, 1.4, 0.69), 20.0: (5.9, 3.0, 1.2, 0.59), 50.0: (4.6, 2.3, 0.91, 0.45)}


@pytest.mark.parametrize("pdff", YARDSTICKS)
def test_yardsticks(te_s: torch.Tensor, pdff: float) -> None:
    snr = torch.tensor([10.0, 20.0, 50.0, 100.0])
    bound = cramer_rao(torch.tensor(pdff), torch.tensor(40.0), snr, te_s, 1.5)
    for found, expected in zip(bound.pdff_sd.tolist(), YARDSTICKS[pdff], strict=True):
        assert found == pytest.approx(expected, rel=0.02)


def test_r2star_yardstick(te_s: torch.Tensor) -> None:
    bound = cramer_rao(torch.tensor(5.0), torch.tensor(40.0), torch.tensor(20.0), te_s, 1.5)
    assert float(bound.r2star_sd) == pytest.approx(8.2, abs=0.06)


@pytest.mark.parametrize(("pdff", "r2star", "n", "b0"), [(0.0, 30.0, 6, 1.5), (17.0, 300.0, 12, 3.0), (100.0, 60.0, 3, 1.5)])
def test_against_a_fisher_matrix_by_finite_differences(pdff: float, r2star: float, n: int, b0: float) -> None:
    te = 1.2e-3 + 1.5e-3 * np.arange(n)
    c = (np.asarray(SIX_PEAK.amplitudes) * np.exp(2j * np.pi * np.outer(te, np.asarray(SIX_PEAK.shifts_hz(b0))))).sum(1)

    def signal(p: np.ndarray) -> np.ndarray:
        s = (p[0] + 1j * p[1] + (p[2] + 1j * p[3]) * c) * np.exp((2j * np.pi * p[4] - p[5]) * te)
        return np.concatenate([s.real, s.imag])

    def fraction(p: np.ndarray) -> float:
        water, fat = p[0] + 1j * p[1], p[2] + 1j * p[3]
        return 100 * float((fat * np.conj(water + fat)).real / abs(water + fat) ** 2)

    point = np.array([1 - pdff / 100, 0, pdff / 100, 0, 0, r2star])
    steps = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-2, 1e-2])
    moved = [(point + h * e, point - h * e, h) for h, e in zip(steps, np.eye(6), strict=True)]
    j = np.stack([(signal(up) - signal(down)) / (2 * h) for up, down, h in moved], 1)
    gradient = np.array([(fraction(up) - fraction(down)) / (2 * h) for up, down, h in moved])
    sigma = 1 / 35.0
    covariance = np.linalg.inv(j.T @ j) * sigma**2
    bound = cramer_rao(torch.tensor(pdff), torch.tensor(r2star), torch.tensor(35.0), torch.from_numpy(te), b0)
    assert float(bound.pdff_sd) == pytest.approx(np.sqrt(gradient @ covariance @ gradient), rel=1e-3)
    assert float(bound.field_sd) == pytest.approx(np.sqrt(covariance[4, 4]), rel=1e-3)
    assert float(bound.r2star_sd) == pytest.approx(np.sqrt(covariance[5, 5]), rel=1e-3)


def test_broadcasts(te_s: torch.Tensor) -> None:
    bound = cramer_rao(torch.tensor([[0.0], [50.0]]), torch.tensor([20.0, 40.0, 80.0]), torch.tensor(30.0), te_s, 1.5)
    assert bound.pdff_sd.shape == (2, 3)
    assert bool((bound.pdff_sd[:, 1:] > bound.pdff_sd[:, :-1]).all())
