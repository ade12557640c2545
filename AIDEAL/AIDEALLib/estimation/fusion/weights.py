"""Weights of the random field over the candidates, learned on simulations (`aideal train fusion`) and stored with G_phi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from ...errors import ModelError

REFERENCE_FIELD_T = 1.5
Weight = float | torch.Tensor
"""A number; a tensor during training."""


@dataclass(frozen=True)
class FusionOptions:
    """Weights of the random field.

    Attributes
    ----------
    evidence_weight : float
        Weight of the log-likelihood of the fit: below 1, since the noise is not exactly that of the model.
    misfit : float
        Reduction of the evidence by a residual above the noise (1: the noise variance grows with the residual).
    evidence_cap : float, nats
        Upper limit of the evidence of one voxel.
    decay_weight : float
        Weight of the R2* prior.
    phase_cap : float, nats
        Upper limit of the cost of an implausible phase of fat against water.
    network_weight : float
        Power of the network's distribution (far below 1: its main mode is a candidate already).
    network_weight_three : float
        The same for three echoes, which any field fits nearly exactly: their residual cannot reveal a misfit of the model, so
        their evidence deserves less weight relative to the network's.
    ring_weights : tuple of float
        Cost of a large jump to a neighbour of each ring, in nats divided by `cut`.
    scale_hz : float, Hz
        Scale of a jump at 1.5 T and a distance of one voxel; grows with the field strength.
    distance_power : float
        Exponent of the growth of that scale with distance.
    cut : float
        Squared jump, in squared scales, at which the cost is half its limit.
    sweeps : int
        Mean-field iterations.
    damping : float
        Share of the old probabilities kept in each iteration.
    """

    evidence_weight: Weight = 1.0
    misfit: Weight = 0.5
    evidence_cap: Weight = 40.0
    decay_weight: Weight = 0.5
    phase_cap: Weight = 4.0
    network_weight: Weight = 0.1
    network_weight_three: Weight = 0.1
    ring_weights: tuple[Weight, ...] = (0.2, 0.15, 0.15, 0.25)
    scale_hz: Weight = 12.0
    distance_power: Weight = 0.7
    cut: Weight = 4.0
    sweeps: int = 8
    damping: float = 0.5

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FusionOptions:
        """Options from the result of `as_dict`.

        Parameters
        ----------
        values : mapping
            Numbers by name; missing ones take their default.

        Returns
        -------
        FusionOptions
            Options.

        Raises
        ------
        ModelError
            A name is not an option, or a value is not a number.
        """
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise ModelError(f"Unknown weights of the fusion: {', '.join(unknown)}. The models are newer than this version.")
        try:
            numbers = {k: tuple(map(float, v)) if isinstance(v, list | tuple) else float(v) for k, v in values.items()}
        except (TypeError, ValueError) as error:
            raise ModelError(f"A weight of the fusion is not a number: {error}. Restore the model's files.") from error
        if "network_weight" in numbers:  # stored before three echoes had their own weight
            numbers.setdefault("network_weight_three", numbers["network_weight"])
        if "sweeps" in numbers:
            numbers["sweeps"] = int(values["sweeps"])
        return cls(**numbers)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Numbers by name, for JSON."""
        return asdict(self)
