"""MDWF-Net: one encoder, one decoder each for water and fat, for R2* and for off-resonance; for one protocol.

After Meneses et al., Eur Radiol 2023;33:6557 (multi-decoder water-fat separation network), in small: magnitudes of water and
fat, and off-resonance as a phasor over one period.
"""

from __future__ import annotations

import torch
from torch import nn

from ...physics.residual_profile import field_period_hz
from ...simulation.random_slices import SliceBatch
from .parts import Decoder, Encoder, Targets, channels, fraction

R2STAR_SCALE_PER_S = 200.0
R2STAR_WEIGHT, FIELD_WEIGHT = 0.2, 0.2


class MDWFNet(nn.Module):
    """Water, fat, R2* and the phasor of off-resonance from six complex echoes."""

    one_protocol = True

    def __init__(self, n_echoes: int = 6) -> None:
        super().__init__()
        self.encoder = Encoder(2 * n_echoes)
        self.water_fat, self.r2star, self.field = Decoder(2), Decoder(1), Decoder(2)

    def logits(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> torch.Tensor:
        """Channels water, fat, R2*, cosine and sine.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex
            Echoes.
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        field_strength_t : float, tesla
            Main field.

        Returns
        -------
        torch.Tensor, shape (batch, 5, row, column)
        """
        features = self.encoder(channels(echoes))
        return torch.cat([self.water_fat(features), self.r2star(features), self.field(features)], 1)

    def pdff(self, outputs: torch.Tensor) -> torch.Tensor:
        """PDFF, 0 to 1, (batch, row, column), from `logits`."""
        water, fat = nn.functional.softplus(outputs[:, :2]).unbind(1)
        return fraction(water, fat)

    def loss(self, outputs: torch.Tensor, batch: SliceBatch) -> torch.Tensor:
        """Mean absolute errors in tissue of water, fat, R2* and the phasor, weighted."""
        targets = Targets.of(batch)
        water, fat = nn.functional.softplus(outputs[:, :2]).unbind(1)
        separation = targets.mean_absolute(water - targets.water) + targets.mean_absolute(fat - targets.fat)
        decay = targets.mean_absolute(
            nn.functional.softplus(outputs[:, 2]) - targets.r2star_per_s.clamp_max(1000) / R2STAR_SCALE_PER_S
        )
        turn = 2 * torch.pi * targets.field_hz / float(field_period_hz(batch.te_s))
        phasor = targets.mean_absolute(outputs[:, 3] - torch.cos(turn)) + targets.mean_absolute(outputs[:, 4] - torch.sin(turn))
        return separation + R2STAR_WEIGHT * decay + FIELD_WEIGHT * phasor
