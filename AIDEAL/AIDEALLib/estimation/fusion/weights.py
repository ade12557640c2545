"""Weights of the random field over the candidates. Learned on simulations (`aideal train fusion`), kept beside G_phi."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch

from ...errors import ModelError

REFERENCE_FIELD_T = 1.5
Weight = float | torch.Tensor
"""A number; a tensor while it is being learned."""


@dataclass(frozen=True)
class FusionOptions:
    """Weights of the random field.

    Attributes
    ----------
    evidence_weight : nats counted for one nat of the fit: below 1, since the noise is not quite the model's.
    misfit : how much a residual above the noise takes from a voxel's evidence (1: the noise variance grows with it).
    evidence_cap : most nats one voxel's fit may count.
    decay_weight, phase_cap : weight of the R2* prior, and most nats an implausible phase of fat against water may cost.
    network_weight : power of the network's distribution (far below 1: its main mode is a candidate already).
    network_weight_three : the same for three echoes, which any field fits nearly exactly: no residual tells whether the echoes
        follow the model, so their evidence is worth less beside the network's.
    ring_weights : nats a large jump costs for a neighbour of each ring, divided by `cut`.
    scale_hz : jump at 1.5 T and one voxel's distance that counts as large; grows with the field strength.
    distance_power : growth of that scale with distance.
    cut : where the cost of a jump levels off, in squared scales.
    sweeps, damping : mean-field iterations and the share of the old value kept.
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
        """Options as `as_dict` gave them.

        Raises
        ------
        ModelError
            Names that are not options, or values that are no numbers.
        """
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise ModelError(f"Unknown weights of the fusion: {', '.join(unknown)}. The models are newer than this version.")
        try:
            numbers = {k: tuple(map(float, v)) if isinstance(v, list | tuple) else float(v) for k, v in values.items()}
        except (TypeError, ValueError) as error:
            raise ModelError(f"A weight of the fusion is no number: {error}. Restore the model's files.") from error
        if "network_weight" in numbers:  # learned before three echoes had a weight of their own
            numbers.setdefault("network_weight_three", numbers["network_weight"])
        if "sweeps" in numbers:
            numbers["sweeps"] = int(values["sweeps"])
        return cls(**numbers)  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers by name, for JSON."""
        return asdict(self)
