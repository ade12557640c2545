"""The forms of PDFF."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from AIDEALLib.estimation.voxelwise.fat_fraction import pdff_clipped, pdff_magnitude, pdff_signed


def tensor(*values: complex) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.complex128)


@given(st.floats(-0.2, 1.2), st.floats(-3.1, 3.1), st.floats(1e-3, 1e4))
def test_common_phase_gives_the_fraction_itself(fraction: float, phase: float, scale: float) -> None:
    turn = torch.polar(torch.tensor([scale], dtype=torch.float64), torch.tensor([phase], dtype=torch.float64))
    water, fat = (1 - fraction) * turn, fraction * turn
    assert float(pdff_signed(water, fat)) == pytest.approx(100 * fraction, abs=1e-6)
    inside = min(max(fraction, 0), 1)
    assert float(pdff_clipped(pdff_signed(water, fat))) == pytest.approx(100 * inside, abs=1e-6)
    if 0 <= fraction <= 1:
        assert float(pdff_magnitude(water, fat)) == pytest.approx(100 * fraction, abs=1e-6)


def test_signed_is_the_projection_on_the_common_phase() -> None:
    # F = i, W = 1: fat stands at 45 degrees to the sum, half of it along
    assert float(pdff_signed(tensor(1), tensor(1j))) == pytest.approx(50)
    assert float(pdff_signed(tensor(2), tensor(1j))) == pytest.approx(100 * 1 / 5)


def test_magnitude_discriminates_by_the_stronger_species() -> None:
    water, fat = tensor(2, 1j), tensor(1j, 2)
    total = 5**0.5
    found = pdff_magnitude(water, fat)
    assert found.tolist() == pytest.approx([100 * (1 - 2 / total), 100 * 2 / total])


def test_no_signal_is_finite() -> None:
    zero = torch.zeros(1, dtype=torch.complex64)
    assert bool(torch.isfinite(pdff_signed(zero, zero)).all())
    assert bool(torch.isfinite(pdff_magnitude(zero, zero)).all())
