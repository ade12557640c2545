"""Plain U-Net: six complex echoes in, PDFF out; for one protocol.

The supervised baseline of Meneses et al., Med Image Anal 2026. Differences: smaller (16 to 96 channels, group normalisation),
trained with labels of the simulator instead of maps by graph cuts.
"""

from __future__ import annotations

import torch

from ...simulation.random_slices import SliceBatch
from .interface import N_ECHOES, ComparatorNetwork, NetworkEstimate
from .parts import Decoder, Encoder, Targets, channels


class PlainUNet(ComparatorNetwork):
    """One encoder, one decoder, no physics and no echo times; states no uncertainty."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(2 * N_ECHOES), Decoder(1)

    def forward(self, echoes: torch.Tensor) -> torch.Tensor:
        """PDFF, 0 to 1, (batch, row, column), of echoes (batch, echo, row, column)."""
        return torch.sigmoid(self.decoder(self.encoder(channels(echoes)))[:, 0])

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        return NetworkEstimate(self(echoes))

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Mean absolute error of PDFF in tissue."""
        targets = Targets.of(batch)
        return targets.mean_absolute(self(batch.echoes) - targets.pdff)
