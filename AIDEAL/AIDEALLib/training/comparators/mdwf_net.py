"""MDWF-Net: one encoder, one decoder each for water and fat, for R2* and for off-resonance; for one protocol.

After Meneses et al., Eur Radiol 2023;33:6557 (multi-decoder water-fat separation network). Differences: smaller (16 to 96
channels), magnitudes of water and fat, off-resonance as a phasor over one period, labels of the simulator instead of maps by
graph cuts, weights of the terms chosen here.
"""

from __future__ import annotations

import torch
from torch import nn

from ...physics.residual_profile import field_period_hz
from ...simulation.random_slices import SliceBatch
from .interface import N_ECHOES, ComparatorNetwork, NetworkEstimate
from .parts import Decoder, Encoder, Targets, channels, fraction

R2STAR_SCALE_PER_S = 200.0
R2STAR_WEIGHT, FIELD_WEIGHT = 0.2, 0.2


class MDWFNet(ComparatorNetwork):
    """Water, fat, R2* and the phasor of off-resonance from six complex echoes; states no uncertainty."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(2 * N_ECHOES)
        self.water_fat, self.r2star, self.field = Decoder(2), Decoder(1), Decoder(2)

    def forward(self, echoes: torch.Tensor) -> torch.Tensor:
        """Water, fat, R2* (in units of `R2STAR_SCALE_PER_S`), cosine and sine, (batch, 5, row, column)."""
        features = self.encoder(channels(echoes))
        positive = nn.functional.softplus(torch.cat([self.water_fat(features), self.r2star(features)], 1))
        return torch.cat([positive, self.field(features)], 1)

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        water, fat = self(echoes)[:, :2].unbind(1)
        return NetworkEstimate(fraction(water, fat))

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Mean absolute errors in tissue of water, fat, R2* and the phasor, weighted."""
        targets = Targets.of(batch)
        water, fat, r2star, cosine, sine = self(batch.echoes).unbind(1)
        separation = targets.mean_absolute(water - targets.water) + targets.mean_absolute(fat - targets.fat)
        decay = targets.mean_absolute(r2star - targets.r2star_per_s.clamp_max(1000) / R2STAR_SCALE_PER_S)
        turn = 2 * torch.pi * targets.field_hz / float(field_period_hz(batch.te_s))
        phasor = targets.mean_absolute(cosine - torch.cos(turn)) + targets.mean_absolute(sine - torch.sin(turn))
        return separation + R2STAR_WEIGHT * decay + FIELD_WEIGHT * phasor
