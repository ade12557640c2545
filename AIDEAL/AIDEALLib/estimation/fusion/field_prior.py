"""Prior of a voxel's field from its neighbours, for voxels whose own echoes hardly determine it (iron, low signal).

Once the modes are chosen the field is smooth except at edges, so a voxel's neighbours predict it to a few Hz. Nearly everywhere
the voxel's own echoes determine the field better and the prediction changes nothing; elsewhere a prior of a few Hz bounds the
error of the field, and with it that of water and fat. Fat fractions themselves are never smoothed.

Two neighbours on opposite sides predict the field between them far better than each alone: their mean is exact where the field
is linear, as it mostly is over a few voxels.
"""

from __future__ import annotations

import torch

from ..voxelwise.candidates import wrap
from ..voxelwise.neighbours import RINGS, Neighbours
from .weights import REFERENCE_FIELD_T

ROUGHNESS_HZ = 8.0
"""SD of the change of the field between adjacent voxels at 1.5 T; grows with the distance and the field strength."""
BEND_HZ = 1.5
"""The same for the difference of the field from the mean of two neighbours on opposite sides."""
PREDICTION_FLOOR_HZ = 3.0
"""SD of the prediction from many agreeing neighbours at 1.5 T: their errors are not independent."""
UNKNOWN_HZ2 = 1e8
"""Variance of an unknown field."""
OUTLIER_SD = 3.0
PASSES = 2
"""In the second pass the neighbours' own predictions enter, so that information propagates further."""


def field_prior(
    field_hz: torch.Tensor,
    field_variance: torch.Tensor,
    neighbours: Neighbours,
    period_hz: float,
    field_strength_t: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of each voxel's field predicted by its neighbours.

    Parameters
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Field of the chosen modes.
    field_variance : torch.Tensor, shape (voxels,), Hz^2
        Its variance.
    neighbours : Neighbours
        Neighbourhood of the voxels.
    period_hz : float, Hz
        Period of off-resonance.
    field_strength_t : float, tesla
        Field strength.

    Returns
    -------
    mean : torch.Tensor, shape (voxels,), Hz
        Predicted field.
    variance : torch.Tensor, shape (voxels,), Hz^2
        Its variance; at least `UNKNOWN_HZ2` for voxels without neighbours.

    Notes
    -----
    Pairs of opposite neighbours, and single neighbours where the opposite one is missing or an outlier, are weighted by the
    inverse of their variance plus that of the change of the field; those that differ by more than `OUTLIER_SD` standard
    deviations (beyond an edge or in another mode) are excluded. Inverse-variance weighting, derived here.
    """
    growth = field_strength_t / REFERENCE_FIELD_T
    distance = torch.tensor([distance for distance, _ in RINGS], device=field_hz.device)[:, None, None]
    bend = (growth * BEND_HZ * distance) ** 2
    rough = (growth * ROUGHNESS_HZ * distance[:, None]) ** 2
    floor = (growth * PREDICTION_FLOOR_HZ) ** 2
    own = field_variance.clamp(1e-6, UNKNOWN_HZ2)
    exists = neighbours.by_side < len(field_hz)
    mean, variance = field_hz, own
    for _ in range(PASSES):
        others = neighbours.gather_by_side(variance)
        apart = wrap(neighbours.gather_by_side(mean) - mean, period_hz)
        alone = others + rough
        agrees = exists & _near(apart, alone, variance)
        middle, between = (apart[:, 0] + apart[:, 1]) / 2, (others[:, 0] + others[:, 1]) / 4 + bend
        paired = agrees[:, 0] & agrees[:, 1] & _near(middle, between, variance)
        agrees &= ~paired[:, None]
        weight, weight_alone = paired / between, agrees / alone
        total = weight.sum((0, 1)) + weight_alone.sum((0, 1, 2))
        pull = (weight * middle).sum((0, 1)) + (weight_alone * apart).sum((0, 1, 2))
        prior_mean = mean + pull / total.clamp_min(1e-30)
        prior_variance = (1 / total).clamp_max(UNKNOWN_HZ2) + floor
        precision = 1 / own + 1 / prior_variance
        mean = prior_mean + wrap(field_hz - prior_mean, period_hz) / (own * precision)
        variance = 1 / precision
    return prior_mean, prior_variance


def _near(apart_hz: torch.Tensor, spread: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    return apart_hz * apart_hz < OUTLIER_SD**2 * (spread + variance)
