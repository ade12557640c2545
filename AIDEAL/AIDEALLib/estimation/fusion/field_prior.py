"""What the neighbourhood says of a voxel's field, for voxels whose own echoes hardly say it (iron, deep noise).

Once the modes are chosen the field is smooth but for edges, so a voxel's neighbours predict it to a few Hz. Where the voxel
itself knows its field better, which is nearly everywhere, the prediction changes nothing; where it does not, a prior of a
few Hz keeps field, and with it water and fat, from wandering. Fat fractions are never smoothed themselves.

Two neighbours on opposite sides predict the field between them far better than each alone: their mean is exact wherever
the field is linear, and slopes are what fields mostly have.
"""

from __future__ import annotations

import torch

from ..voxelwise.candidates import wrap
from ..voxelwise.neighbours import RINGS, Neighbours
from .weights import REFERENCE_FIELD_T

ROUGHNESS_HZ = 8.0
"""Standard deviation of the field's change between adjacent voxels at 1.5 T; grows with the distance and the field strength."""
BEND_HZ = 1.5
"""The same of the field's distance from the mean of its two neighbours on opposite sides."""
PREDICTION_FLOOR_HZ = 3.0
"""What even many agreeing neighbours leave open at 1.5 T: their errors are not independent."""
UNKNOWN_HZ2 = 1e8
"""Variance of a field that nothing is known of."""
OUTLIER_SD = 3.0
PASSES = 2
"""In the second pass the neighbours' own predictions take part, so that information travels further."""


def field_prior(
    field_hz: torch.Tensor,
    field_variance: torch.Tensor,
    neighbours: Neighbours,
    period_hz: float,
    field_strength_t: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean (Hz) and variance (Hz^2) of each voxel's field as its neighbours predict it, (voxels,) each.

    Pairs of opposite neighbours, and neighbours alone where the opposite one is missing or off, count by the inverse of their
    variance plus that of the field between; those further off than `OUTLIER_SD` standard deviations, beyond an edge or in
    another mode, do not.

    Parameters
    ----------
    field_hz, field_variance : of the chosen modes, (voxels,). Voxels without neighbours get `UNKNOWN_HZ2`.
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
        there = neighbours.gather_by_side(variance)
        apart = wrap(neighbours.gather_by_side(mean) - mean, period_hz)
        alone = there + rough
        agrees = exists & _near(apart, alone, variance)
        middle, between = (apart[:, 0] + apart[:, 1]) / 2, (there[:, 0] + there[:, 1]) / 4 + bend
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
