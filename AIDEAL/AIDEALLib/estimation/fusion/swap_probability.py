"""P(swap) before calibration: probability that the true field differs by more than half a fat shift from the reported one.

It does where another mode is right, or where noise moves the field that far. Both are summed over the candidates; the sum is
over-confident, which `swap_calibration` corrects.
"""

from __future__ import annotations

import torch

from ..voxelwise.candidates import wrap


def raw_swap_probability(
    posterior: torch.Tensor,
    field_hz: torch.Tensor,
    field_variance: torch.Tensor,
    reported_hz: torch.Tensor,
    period_hz: float,
    fat_shift_hz: float,
) -> torch.Tensor:
    """Probability that the field differs by more than half a fat shift from the reported one.

    Parameters
    ----------
    posterior : torch.Tensor, shape (candidate, voxels)
        Probability of each candidate.
    field_hz : torch.Tensor, shape (candidate, voxels), Hz
        Field of each candidate.
    field_variance : torch.Tensor, shape (candidate, voxels), Hz^2
        Its variance.
    reported_hz : torch.Tensor, shape (voxels,), Hz
        Reported field.
    period_hz : float, Hz
        Period of off-resonance.
    fat_shift_hz : float, Hz
        Mean fat shift.

    Returns
    -------
    torch.Tensor, shape (voxels,)
        Probability.

    Notes
    -----
    Closed form for a mixture of normal distributions, one around the field of each candidate.
    """
    limit = abs(float(wrap(torch.tensor(fat_shift_hz), period_hz))) / 2
    distance = wrap(field_hz - reported_hz, period_hz)
    width = (2 * field_variance).sqrt().clamp_min(1e-3)
    within = 0.5 * (torch.erf((limit - distance) / width) + torch.erf((limit + distance) / width))
    return (posterior * (1 - within)).sum(0).clamp(0, 1)
