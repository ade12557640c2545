"""Plain U-Net: six complex echoes in, PDFF out; for one protocol.

The supervised baseline of Meneses et al., Med Image Anal 2026, in small.
"""

from __future__ import annotations

import torch
from torch import nn

from ...simulation.random_slices import SliceBatch
from .parts import Decoder, Encoder, Targets, channels


class PlainUNet(nn.Module):
    """One encoder, one decoder, no physics and no echo times."""

    one_protocol = True

    def __init__(self, n_echoes: int = 6) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(2 * n_echoes), Decoder(1)

    def logits(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> torch.Tensor:
        """Logit of PDFF.

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
        torch.Tensor, shape (batch, 1, row, column)
        """
        out: torch.Tensor = self.decoder(self.encoder(channels(echoes)))
        return out

    def pdff(self, outputs: torch.Tensor) -> torch.Tensor:
        """PDFF, 0 to 1, (batch, row, column), from `logits`."""
        return torch.sigmoid(outputs[:, 0])

    def loss(self, outputs: torch.Tensor, batch: SliceBatch) -> torch.Tensor:
        """Mean absolute error of PDFF in tissue."""
        targets = Targets.of(batch)
        return targets.mean_absolute(self.pdff(outputs) - targets.pdff)
