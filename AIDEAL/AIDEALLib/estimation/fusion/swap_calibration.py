"""Calibration of P(swap): logistic regression and a monotone map, both learned on simulations.

The sum over candidates (`swap_probability`) is over-confident: mean field ignores loops, whole islands may be wrong together,
artefacts are not noise. Swaps are far more frequent than this sum where the echoes do not follow the signal model (motion,
ghosts, steep fields), where P(swap) is high in the voxels around as well, where neighbours are in modes a fat shift apart, or
where the signal is low. The regression on these five quantities, then the map, give the frequency of swaps in simulations.

References
----------
Calibration by regression of the score: Platt, Advances in Large Margin Classifiers 1999, 61; monotone map: Zadrozny and Elkan,
KDD 2002, 694.
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
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.slice_input import Scan

IDENTITY = (0.0, 1.0)
LEAST_PROBABILITY = 1e-6
MISFIT_RANGE = (0.3, 50.0)
LEAST_SNR = 1e-3
KNOTS = ("score", "calibrated")


@dataclass(frozen=True)
class SwapEvidence:
    """Quantities from which P(swap) is calibrated.

    Attributes
    ----------
    own : torch.Tensor, shape (voxels,)
        P(swap) of the voxel before calibration.
    around : torch.Tensor, shape (voxels,)
        Mean of `own` over the voxel and its neighbours.
    misfit : torch.Tensor, shape (voxels,)
        Mean of J / sigma^2 per degree of freedom (`local_misfit`); 1 where the echoes follow the signal model as well as in
        most of the slice.
    jumps : torch.Tensor, shape (voxels,)
        Share of neighbours whose field differs by more than half a fat shift.
    snr : torch.Tensor, shape (voxels,)
        Root of the energy of the echoes over the noise SD per real channel.
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
        misfit: torch.Tensor,
        field_hz: torch.Tensor,
        energy: torch.Tensor,
        noise_sd: torch.Tensor,
        scan: Scan,
        neighbours: Neighbours,
    ) -> SwapEvidence:
        """Compute from the probability, the misfit and the reported field of each voxel.

        Parameters
        ----------
        own : torch.Tensor, shape (voxels,)
            P(swap) before calibration.
        misfit : torch.Tensor, shape (voxels,)
            Result of `local_misfit`.
        field_hz : torch.Tensor, shape (voxels,), Hz
            Reported field.
        energy : torch.Tensor, shape (voxels,)
            Sum of |s|^2 over the echoes.
        noise_sd : torch.Tensor, scalar
            Noise SD per real channel, above 0.
        scan : Scan
            Protocol.
        neighbours : Neighbours
            Neighbourhood of the voxels.

        Returns
        -------
        SwapEvidence
            Evidence of all voxels.
        """
        apart = wrap(neighbours.gather(field_hz) - field_hz[:, None], scan.period_hz).abs()
        jumps = ((apart > scan.swap_hz / 2) & neighbours.exists).sum(1) / neighbours.exists.sum(1).clamp_min(1)
        snr = energy.sqrt() / noise_sd
        return cls(own, neighbours.mean_around(own), misfit, jumps.to(own.dtype), snr)

    def terms(self) -> torch.Tensor:
        """Regressors, (5, voxels): logits of `own` and `around`, log of `misfit`, `jumps`, -log of `snr`."""
        own, around = (torch.logit(p.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)) for p in (self.own, self.around))
        misfit = self.misfit.clamp(*MISFIT_RANGE).log()
        return torch.stack([own, around, misfit, self.jumps, -self.snr.clamp_min(LEAST_SNR).log()])


@dataclass(frozen=True)
class SwapCalibration:
    """Logistic regression and monotone map; the defaults leave P(swap) unchanged.

    Attributes
    ----------
    intercept : float
        Intercept of the regression.
    own : float
        Weight of the logit of `SwapEvidence.own`.
    around : float
        Weight of the logit of `SwapEvidence.around`.
    misfit : float
        Weight of the logarithm of `SwapEvidence.misfit`.
    jumps : float
        Weight of `SwapEvidence.jumps`.
    snr : float
        Weight of the negative logarithm of `SwapEvidence.snr`.
    score : tuple of float
        Knots of the map, result of the regression, increasing from 0 to 1.
    calibrated : tuple of float
        Knots of the map, probability, not decreasing; linear between knots.
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
        """Calibration from the result of `as_dict`.

        Parameters
        ----------
        values : mapping
            Numbers by name; missing ones take their default.

        Returns
        -------
        SwapCalibration
            Calibration.

        Raises
        ------
        ModelError
            A name is unknown, or the knots are not increasing or differ in number.
        """
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise ModelError(
                f"The swap calibration has entries of another version ({', '.join(unknown)}). Restore the model's files, or "
                "train it again (aideal train fusion)."
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
                f"The swap calibration has {len(found.score)} and {len(found.calibrated)} knots; equal numbers of "
                "rising ones, scores from 0 to 1 and probabilities, were expected. Restore the model's files."
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Numbers by name, for JSON."""
        return asdict(self)

    @property
    def slopes(self) -> tuple[float, ...]:
        """Weights of the regressors, in the order of `SwapEvidence.terms`."""
        return self.own, self.around, self.misfit, self.jumps, self.snr

    def __call__(self, evidence: SwapEvidence) -> torch.Tensor:
        """Calibrated probability, (voxels,)."""
        return self.mapped(self.scores(evidence))

    def scores(self, evidence: SwapEvidence) -> torch.Tensor:
        """Result of the regression alone, (voxels,)."""
        terms = evidence.terms()
        return torch.sigmoid(self.intercept + torch.tensor(self.slopes, dtype=terms.dtype, device=terms.device) @ terms)

    def mapped(self, score: torch.Tensor) -> torch.Tensor:
        """Probability for a score, by the monotone map."""
        x = torch.tensor(self.score, dtype=score.dtype, device=score.device)
        y = torch.tensor(self.calibrated, dtype=score.dtype, device=score.device)
        right = torch.bucketize(score.contiguous(), x).clamp(1, len(self.score) - 1)
        share = (score - x[right - 1]) / (x[right] - x[right - 1])
        return y[right - 1] + share.clamp(0, 1) * (y[right] - y[right - 1])
