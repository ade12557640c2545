"""P(swap) before calibration: the probability that a voxel's true field lies more than half a fat shift off the reported one.

Two things can put it there: another mode was the right one, or noise moved the field itself that far. Both are summed over
the candidates. What is left over-confident in that sum is corrected in `swap_calibration`.
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
    """Probability that the field lies more than half a fat shift from the reported one, (voxels,).

    Parameters
    ----------
    posterior, field_hz, field_variance : (candidate, voxels), each candidate normal around its field.
    reported_hz : (voxels,).
    """
    limit = abs(float(wrap(torch.tensor(fat_shift_hz), period_hz))) / 2
    distance = wrap(field_hz - reported_hz, period_hz)
    width = (2 * field_variance).sqrt().clamp_min(1e-3)
    within = 0.5 * (torch.erf((limit - distance) / width) + torch.erf((limit + distance) / width))
    return (posterior * (1 - within)).sum(0).clamp(0, 1)
