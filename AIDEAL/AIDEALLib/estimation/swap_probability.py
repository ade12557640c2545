"""P(swap): the probability that a voxel's true field lies more than half a fat shift off the reported one.

Two things can put it there: another mode was the right one, or noise moved the field itself that far. Both are summed over
the candidates. What is left over-confident in that sum (mean-field sweeps see no loops, whole islands may be wrong
together, artefacts are no noise) is corrected by a monotone map learned on simulations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch

from ..errors import ModelError
from .candidates import wrap

IDENTITY = (0.0, 1.0)


@dataclass(frozen=True)
class SwapCalibration:
    """Monotone map of the raw probability: linear between the knots.

    Attributes
    ----------
    raw, calibrated : probabilities, from 0 to 1 and increasing; equal length.
    """

    raw: tuple[float, ...] = IDENTITY
    calibrated: tuple[float, ...] = IDENTITY

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SwapCalibration:
        """Calibration as `as_dict` gave it.

        Raises
        ------
        ModelError
            Unknown names, or knots that are no increasing numbers of equal count from a raw probability of 0 to one of 1.
        """
        try:
            knots = cls(**{name: tuple(float(v) for v in list_) for name, list_ in values.items()})
        except (TypeError, ValueError) as error:
            raise ModelError(f"The swap calibration cannot be read ({error}). Restore the model's files.") from error
        rising = all(a < b for a, b in pairwise(knots.raw)) and all(a <= b for a, b in pairwise(knots.calibrated))
        if len(knots.raw) != len(knots.calibrated) or not rising or (knots.raw[0], knots.raw[-1]) != IDENTITY:
            raise ModelError(
                f"The swap calibration has {len(knots.raw)} and {len(knots.calibrated)} knots; equally many rising ones, "
                "raw from 0 to 1, were expected. Restore the model's files."
            )
        return knots

    def as_dict(self) -> dict[str, tuple[float, ...]]:
        """Plain numbers by name, for JSON."""
        return asdict(self)

    def __call__(self, raw: torch.Tensor) -> torch.Tensor:
        """Calibrated probability, of the shape of `raw`."""
        x = torch.tensor(self.raw, dtype=raw.dtype, device=raw.device)
        y = torch.tensor(self.calibrated, dtype=raw.dtype, device=raw.device)
        right = torch.bucketize(raw.contiguous(), x).clamp(1, len(self.raw) - 1)
        share = (raw - x[right - 1]) / (x[right] - x[right - 1])
        return y[right - 1] + share.clamp(0, 1) * (y[right] - y[right - 1])


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
