"""P(swap) as it is reported: what the random field says, corrected by what simulations showed it to be worth.

The sum over candidates is over-confident: mean-field sweeps see no loops, whole islands may be wrong together, artefacts are no
noise. How much so depends on the place. Where the echoes do not follow the signal model (motion, ghosts, steep fields), where
the voxels around are in doubt too, where neighbours ended in modes a fat shift apart, or where the signal is weak, swaps are
far more frequent than the voxel's own sum says. A logistic regression on the five numbers, then a monotone map of its result,
both learned on simulations, say what frequency to expect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import torch

from ...errors import ModelError
from ..voxelwise.candidates import wrap
from ..voxelwise.mode import Mode
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.slice_input import Scan

IDENTITY = (0.0, 1.0)
LEAST_PROBABILITY = 1e-6
MISFIT_RANGE = (0.3, 50.0)
LEAST_SNR = 1e-3
KNOTS = ("score", "calibrated")


@dataclass(frozen=True)
class SwapEvidence:
    """What is known of a swap; every entry (voxels,).

    Attributes
    ----------
    own : P(swap) of the voxel itself, before calibration. around : the mean of it over the voxel and its neighbours.
    misfit : mean over the same of J / sigma^2 by its degrees of freedom, 1 where the echoes follow the signal model as well as
        in most of the slice.
    jumps : share of its neighbours whose field lies more than half a fat shift from its own.
    snr : root of the energy of its echoes over the noise per real channel.
    """

    own: torch.Tensor
    around: torch.Tensor
    misfit: torch.Tensor
    jumps: torch.Tensor
    snr: torch.Tensor

    @classmethod
    def of(
        cls,
        own: torch.Tensor,
        best: Mode,
        voxels: torch.Tensor,
        noise_sd: torch.Tensor,
        degrees: int,
        scan: Scan,
        neighbours: Neighbours,
    ) -> SwapEvidence:
        """From the probability and the reported mode of each voxel.

        Parameters
        ----------
        own : (voxels,); voxels : complex (echo, voxels); noise_sd : per real channel, above 0, scalar.
        degrees : of freedom that a fit leaves: with none there is no misfit to speak of.
        """
        others = neighbours.exists.sum(1)

        def mean(values: torch.Tensor) -> torch.Tensor:
            return (values + neighbours.gather(values).sum(1)) / (1 + others)

        misfit = mean(best.residual_energy / (noise_sd**2 * degrees)) if degrees > 0 else torch.ones_like(own)
        apart = wrap(neighbours.gather(best.field_hz) - best.field_hz[:, None], scan.period_hz).abs()
        jumps = ((apart > scan.swap_hz / 2) & neighbours.exists).sum(1) / others.clamp_min(1)
        snr = voxels.abs().square().sum(0).sqrt() / noise_sd
        return cls(own, mean(own), misfit, jumps.to(own.dtype), snr)

    def terms(self) -> torch.Tensor:
        """What the regression weighs, (5, voxels): logits of `own` and `around`, log of `misfit`, `jumps`, -log of `snr`."""
        own, around = (torch.logit(p.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)) for p in (self.own, self.around))
        misfit = self.misfit.clamp(*MISFIT_RANGE).log()
        return torch.stack([own, around, misfit, self.jumps, -self.snr.clamp_min(LEAST_SNR).log()])


@dataclass(frozen=True)
class SwapCalibration:
    """Logistic regression and monotone map; without arguments both change nothing.

    Attributes
    ----------
    intercept, own, around, misfit, jumps, snr : of the regression, for the terms of `SwapEvidence`.
    score, calibrated : knots of the map from its result to the probability, linear between them; equal length, increasing.
    """

    intercept: float = 0.0
    own: float = 1.0
    around: float = 0.0
    misfit: float = 0.0
    jumps: float = 0.0
    snr: float = 0.0
    score: tuple[float, ...] = IDENTITY
    calibrated: tuple[float, ...] = IDENTITY

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SwapCalibration:
        """Calibration as `as_dict` gave it.

        Raises
        ------
        ModelError
            Unknown names, or knots that are no increasing numbers of equal count from a score of 0 to one of 1.
        """
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise ModelError(
                f"The swap calibration has entries of another version ({', '.join(unknown)}). Restore the model's files, or "
                "learn them anew (aideal train fusion)."
            )
        try:
            numbers: dict[str, Any] = {k: tuple(map(float, v)) if k in KNOTS else float(v) for k, v in values.items()}
        except (TypeError, ValueError) as error:
            raise ModelError(f"The swap calibration cannot be read ({error}). Restore the model's files.") from error
        found = cls(**numbers)
        rising = all(a < b for a, b in pairwise(found.score)) and all(a <= b for a, b in pairwise(found.calibrated))
        ends = found.score[:1] + found.score[-1:] == IDENTITY and all(0 <= p <= 1 for p in found.calibrated)
        weights = (found.intercept, *found.slopes)
        if not all(map(math.isfinite, weights)):
            raise ModelError(f"The swap calibration has weights {weights}; numbers were expected. Restore the model's files.")
        if len(found.score) != len(found.calibrated) or not rising or not ends:
            raise ModelError(
                f"The swap calibration has {len(found.score)} and {len(found.calibrated)} knots; equally many rising ones, "
                "scores from 0 to 1 and probabilities, were expected. Restore the model's files."
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers by name, for JSON."""
        return asdict(self)

    @property
    def slopes(self) -> tuple[float, ...]:
        """Weights of the terms, in their order."""
        return self.own, self.around, self.misfit, self.jumps, self.snr

    def __call__(self, evidence: SwapEvidence) -> torch.Tensor:
        """Calibrated probability, (voxels,)."""
        return self.mapped(self.scores(evidence))

    def scores(self, evidence: SwapEvidence) -> torch.Tensor:
        """Result of the regression alone, (voxels,)."""
        terms = evidence.terms()
        return torch.sigmoid(self.intercept + torch.tensor(self.slopes, dtype=terms.dtype, device=terms.device) @ terms)

    def mapped(self, score: torch.Tensor) -> torch.Tensor:
        """The monotone map of a score."""
        x = torch.tensor(self.score, dtype=score.dtype, device=score.device)
        y = torch.tensor(self.calibrated, dtype=score.dtype, device=score.device)
        right = torch.bucketize(score.contiguous(), x).clamp(1, len(self.score) - 1)
        share = (score - x[right - 1]) / (x[right] - x[right - 1])
        return y[right - 1] + share.clamp(0, 1) * (y[right] - y[right - 1])
