"""VET-Net: a U-Net conditioned on the echo times, so that it can serve other protocols.

After the variable-echo-times network that Meneses et al., Med Image Anal 2026, compare with. Differences: smaller (16 to 96
channels); the echo times and the field strength scale and shift the features of each level of the encoder; labels of the
simulator instead of maps by graph cuts.
"""

from __future__ import annotations

import torch
from torch import nn

from ...simulation.random_slices import SliceBatch
from .interface import N_ECHOES, ComparatorNetwork, NetworkEstimate
from .parts import WIDTHS, Decoder, Encoder, Targets, channels, fraction


class VETNet(ComparatorNetwork):
    """Water and fat from six complex echoes and their times; states no uncertainty."""

    one_protocol = False

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(2 * N_ECHOES), Decoder(2)
        self.protocol = nn.Sequential(nn.Linear(N_ECHOES + 1, 64), nn.SiLU(), nn.Linear(64, 2 * sum(WIDTHS)))

    def forward(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> torch.Tensor:
        """Water and fat.

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
        torch.Tensor, shape (batch, 2, row, column)
        """
        condition = torch.cat([1e2 * te_s, te_s.new_tensor([field_strength_t / 3])]).float()
        change = self.protocol(condition).reshape(2, -1, 1, 1)
        features = self.encoder(channels(echoes))
        scales, shifts = change[0].split(WIDTHS), change[1].split(WIDTHS)
        conditioned = [f * (1 + a) + b for f, a, b in zip(features, scales, shifts, strict=True)]
        out: torch.Tensor = nn.functional.softplus(self.decoder(conditioned))
        return out

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        return NetworkEstimate(fraction(*self(echoes, te_s, field_strength_t).unbind(1)))

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Mean absolute errors of water and fat in tissue."""
        targets = Targets.of(batch)
        water, fat = self(batch.echoes, batch.te_s, batch.field_strength_t).unbind(1)
        return targets.mean_absolute(water - targets.water) + targets.mean_absolute(fat - targets.fat)
