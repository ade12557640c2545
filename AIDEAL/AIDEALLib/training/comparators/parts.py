"""Parts of the comparators: encoder, decoder, inputs and targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ...simulation.random_slices import SliceBatch
from ..networks.unet import ConvBlock

WIDTHS = (16, 32, 64, 96)
LEAST_SIGNAL = 0.02
"""Least water plus fat, as a share of the brightest tissue, in the denominator of the fat fraction."""


class Encoder(nn.Module):
    """Four levels of two convolutions, each at half the resolution of the one before.

    Parameters
    ----------
    inputs : int
        Input channels.
    widths : tuple of int
        Channels of each level.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.levels = nn.ModuleList(ConvBlock(a, b) for a, b in zip((inputs, *widths[:-1]), widths, strict=True))
        self.pool = nn.AvgPool2d(2)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(batch, inputs, rows, columns), multiples of 8, to the features of each level."""
        features: list[torch.Tensor] = []
        for level in self.levels:
            features.append(level(self.pool(features[-1]) if features else x))
        return features


class Decoder(nn.Module):
    """Levels back to full resolution, with the encoder's features of each level.

    Parameters
    ----------
    outputs : int
        Output channels.
    widths : tuple of int
        Channels of each level of the encoder.
    """

    def __init__(self, outputs: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.levels = nn.ModuleList(ConvBlock(b + a, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.head = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        """Features of the encoder to (batch, outputs, rows, columns)."""
        y = features[-1]
        for level, skip in zip(self.levels, features[-2::-1], strict=True):
            y = level(torch.cat([nn.functional.interpolate(y, scale_factor=2.0, mode="bilinear"), skip], 1))
        out: torch.Tensor = self.head(y)
        return out


def brightest(echoes: torch.Tensor) -> torch.Tensor:
    """The magnitude that 1 % of a slice's voxels exceed in the strongest echo, (batch, 1, 1, 1)."""
    strongest = echoes.abs().amax(1).flatten(1)
    return torch.quantile(strongest, 0.99, dim=1).clamp_min(1e-12).reshape(-1, 1, 1, 1)


def channels(echoes: torch.Tensor) -> torch.Tensor:
    """Complex echoes (batch, echo, rows, columns) as real channels (batch, 2 echo, rows, columns), brightest tissue 1."""
    scaled = echoes / brightest(echoes)
    return torch.cat([scaled.real, scaled.imag], 1)


def fraction(water: torch.Tensor, fat: torch.Tensor) -> torch.Tensor:
    """PDFF, 0 to 1, of magnitudes."""
    return fat / (water + fat).clamp_min(LEAST_SIGNAL)


@dataclass(frozen=True)
class Targets:
    """Labels of supervised training.

    Attributes
    ----------
    water : torch.Tensor, shape (batch, row, column)
        Magnitude of water at t = 0 on the scale of `channels`.
    fat : torch.Tensor, shape (batch, row, column)
        The same of fat.
    pdff : torch.Tensor, shape (batch, row, column)
        PDFF, 0 to 1.
    r2star_per_s : torch.Tensor, shape (batch, row, column)
        R2*.
    field_hz : torch.Tensor, shape (batch, row, column)
        Off-resonance.
    tissue : torch.Tensor, shape (batch, row, column)
        1 in tissue, else 0: voxels that count.
    """

    water: torch.Tensor
    fat: torch.Tensor
    pdff: torch.Tensor
    r2star_per_s: torch.Tensor
    field_hz: torch.Tensor
    tissue: torch.Tensor

    @classmethod
    def of(cls, batch: SliceBatch) -> Targets:
        """Truth of simulated slices."""
        signal, pdff = batch.signal / brightest(batch.echoes)[:, 0], batch.pdff_percent / 100
        return cls(signal * (1 - pdff), signal * pdff, pdff, batch.r2star_per_s, batch.field_hz, batch.tissue.float())

    def mean_absolute(self, error: torch.Tensor) -> torch.Tensor:
        """Mean over the tissue of an absolute error (batch, rows, columns)."""
        return (error.abs() * self.tissue).sum() / self.tissue.sum().clamp_min(1)

    def mean_signed(self, values: torch.Tensor) -> torch.Tensor:
        """Mean over the tissue of values (batch, rows, columns)."""
        return (values * self.tissue).sum() / self.tissue.sum().clamp_min(1)
