"""Random slices for training: shapes, tissues, fields and protocols drawn widely, so that no anatomy or scanner is learned.

Everything is drawn in batches of torch tensors; a batch shares one protocol. The truth is for evaluation and supervised
comparators; unsupervised training never reads it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch

from ..physics.cramer_rao import cramer_rao
from ..physics.signal import per_echo, synthesise
from ..physics.spectrum import SIX_PEAK
from .artefacts import ghosted, moved
from .random_tissue import Pixels, RandomTissue, random_tissue, smooth_noise

_Batch = TypeVar("_Batch", bound="EchoBatch")


@dataclass(frozen=True)
class EchoBatch:
    """A batch of slices with one protocol: the input of unsupervised training.

    Attributes
    ----------
    echoes : torch.Tensor, shape (batch, echo, row, column), complex64
        Echoes.
    te_s : torch.Tensor, shape (echo,), float64, seconds
        Echo times.
    field_strength_t : float, tesla
        Main field.
    noise_sd : torch.Tensor, shape (batch,)
        Noise SD of one real channel.
    """

    echoes: torch.Tensor
    te_s: torch.Tensor
    field_strength_t: float
    noise_sd: torch.Tensor

    def to(self: _Batch, device: torch.device) -> _Batch:
        """The same batch on another device."""
        tensors: dict[str, Any] = {
            f.name: value.to(device) for f in fields(self) if isinstance(value := getattr(self, f.name), torch.Tensor)
        }
        return replace(self, **tensors)


@dataclass(frozen=True)
class SliceBatch(EchoBatch):
    """Simulated slices with their truth.

    Attributes
    ----------
    signal : torch.Tensor, shape (batch, row, column)
        |W + F| at t = 0.
    pdff_percent : torch.Tensor, shape (batch, row, column)
        PDFF.
    r2star_per_s : torch.Tensor, shape (batch, row, column)
        R2*.
    field_hz : torch.Tensor, shape (batch, row, column)
        Off-resonance.
    tissue : torch.Tensor, shape (batch, row, column), bool
        Voxels with signal.
    """

    signal: torch.Tensor
    pdff_percent: torch.Tensor
    r2star_per_s: torch.Tensor
    field_hz: torch.Tensor
    tissue: torch.Tensor


def random_protocol(generator: torch.Generator, n_echoes: int | None = None) -> tuple[torch.Tensor, float]:
    """Draw a protocol: 3 to 16 echoes, TE1 0.8 to 3 ms, spacing 0.6 to 4 ms, 0.3 to 7 T.

    Protocols that cannot separate water and fat (Cramer-Rao bound of PDFF above 12 points at SNR 50) are rejected.

    Parameters
    ----------
    generator : torch.Generator
        Source of randomness.
    n_echoes : int, optional
        Number of echoes; drawn when None.

    Returns
    -------
    te_s : torch.Tensor, shape (echo,), float64, seconds
        Echo times.
    field_strength_t : float, tesla
        Main field.
    """
    while True:
        u = torch.rand(6, generator=generator, dtype=torch.float64)
        choices = (0.3, 0.55, 1.0, 1.5, 1.5, 1.5, 3.0, 3.0, 3.0, 7.0)
        field_strength = choices[int(u[0] * len(choices))] * float(0.98 + 0.04 * u[5])
        n = n_echoes or (3, 3, 4, 5, 6, 6, 6, 7, 8, 10, 12, 16)[int(u[1] * 12)]
        dt = float(0.6e-3 * (4.0 / 0.6) ** u[2]) * min(1.0, (1.5 / field_strength) ** 0.5)
        first = float(0.8e-3 + 2.2e-3 * u[3])
        spacing = torch.full((n - 1,), dt, dtype=torch.float64)
        if u[4] < 0.1:
            spacing = spacing * (1 + 0.3 * torch.rand(n - 1, generator=generator, dtype=torch.float64))
        te = first + torch.cat([torch.zeros(1, dtype=torch.float64), spacing.cumsum(0)])
        if te[-1] > 0.045:
            continue
        bound = cramer_rao(torch.tensor(20.0), torch.tensor(40.0), torch.tensor(50.0), te, field_strength).pdff_sd
        if bound < 12:
            return te, field_strength


def _random_field_hz(
    tissue: RandomTissue, pixels: Pixels, field_strength_t: float, period_hz: float, generator: torch.Generator
) -> torch.Tensor:
    """Susceptibility field less its mean, plus residual shim terms: linear, quadratic and smooth, possibly wrapping."""
    batch, size = pixels.batch, pixels.size
    ppm_to_hz = 42.577 * field_strength_t
    u = torch.rand(batch, 8, 1, 1, generator=generator)
    hz = tissue.field_ppm * ppm_to_hz * (0.3 + 0.9 * u[:, 0])
    axis = torch.linspace(-0.5, 0.5, size)
    y, x = axis[:, None], axis[None, :]
    spread = 40 + 260 * u[:, 1] ** 2 * (field_strength_t / 1.5) ** 0.5  # Hz over the field of view
    steep = torch.where(u[:, 7] < 0.2, 3.5 * period_hz * u[:, 2], 0.0)  # several wraps
    direction = 2 * math.pi * u[:, 3]
    hz = hz + (spread * (2 * u[:, 4] - 1) + steep) * (x * torch.cos(direction) + y * torch.sin(direction))
    hz = hz + spread * (4 * u[:, 5] - 2) * (x * x - y * y) + spread * (4 * u[:, 6] - 2) * x * y
    hz = hz + 0.15 * spread * smooth_noise(pixels, 0.12, generator)
    inside = tissue.density > 0
    mean = (hz * inside).sum((1, 2), keepdim=True) / inside.sum((1, 2), keepdim=True).clamp_min(1)
    offset = period_hz * (torch.rand(batch, 1, 1, generator=generator) - 0.5)  # the centre frequency is arbitrary
    return hz - mean + offset


def random_slices(
    batch: int, size: int, generator: torch.Generator, protocol: tuple[torch.Tensor, float] | None = None
) -> SliceBatch:
    """Draw a batch of slices with one protocol.

    Parameters
    ----------
    batch : int
        Number of slices.
    size : int
        Rows and columns.
    generator : torch.Generator
        Source of randomness.
    protocol : tuple, optional
        Echo times, shape (echo,), float64, seconds, and field strength in tesla; drawn when None.

    Returns
    -------
    SliceBatch
    """
    te, field_strength = protocol or random_protocol(generator)
    pixels = Pixels.random(batch, size, generator)
    tissue = random_tissue(pixels, generator)
    period = float(1 / (te[1:] - te[:-1]).min())
    field_hz = _random_field_hz(tissue, pixels, field_strength, period, generator)
    u = torch.rand(batch, 6, 1, 1, generator=generator)

    coil = (0.25 * smooth_noise(pixels, 0.25, generator) * u[:, 0]).exp()
    phase = 2 * math.pi * u[:, 1] + 1.5 * smooth_noise(pixels, 0.25, generator) * u[:, 2]
    amplitude = torch.polar(tissue.density * coil, phase)
    water, fat = amplitude * (1 - tissue.pdff), amplitude * tissue.pdff
    fat = fat * torch.polar(torch.ones(batch, 1, 1), 0.4 * (u[:, 3] - 0.5))
    echoes = synthesise(water, fat, field_hz, tissue.r2star, te, SIX_PEAK.modulation(te, field_strength)).movedim(0, 1)
    echoes = moved_and_ghosted(phase_errors(echoes, generator), generator)

    signal = amplitude.abs()
    inside = tissue.density > 0.05
    level = (signal * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
    snr = 5 * 40 ** torch.rand(batch, generator=generator)
    noise_sd = level.clamp_min(0.1) / snr
    noise = torch.randn(*echoes.shape, 2, generator=generator) * noise_sd[:, None, None, None, None]
    echoes = (echoes + torch.view_as_complex(noise)).to(torch.complex64)
    return SliceBatch(echoes, te, field_strength, noise_sd, signal, 100 * tissue.pdff, tissue.r2star, field_hz, inside)


def phase_errors(echoes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add, in some slices, residual odd/even phase (constant and along the columns) or a phase error of the first echo.

    Parameters
    ----------
    echoes : torch.Tensor, shape (batch, echo, row, column), complex64
        Echoes.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    torch.Tensor, shape (batch, echo, row, column), complex64
    """
    batch, n, _, columns = echoes.shape
    u = torch.rand(batch, 5, 1, 1, 1, generator=generator)
    x = torch.linspace(-0.5, 0.5, columns)
    odd = per_echo((-1.0) ** torch.arange(n), echoes[0, 0])
    theta = torch.where(u[:, 0] < 0.15, 0.15 * (2 * u[:, 1] - 1) + 0.2 * (2 * u[:, 2] - 1) * x, 0.0) * odd
    first = per_echo((torch.arange(n) == 0).float(), echoes[0, 0])
    theta = theta + torch.where(u[:, 3] < 0.1, 0.15 * (2 * u[:, 4] - 1), 0.0) * first
    return echoes * torch.polar(torch.ones_like(theta), theta)


def moved_and_ghosted(echoes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add breathing during k-space sampling and ghosts half a field of view away, along either axis, in some slices each.

    Parameters
    ----------
    echoes : torch.Tensor, shape (batch, echo, row, column), complex64
        Echoes.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    torch.Tensor, shape (batch, echo, row, column), complex64
    """
    out = echoes.clone()
    for index, u in enumerate(torch.rand(echoes.shape[0], 6, generator=generator).tolist()):
        images = (echoes[index].transpose(1, 2) if u[0] < 0.5 else echoes[index]).numpy()
        if u[1] < 0.15:
            images = moved(images, 0.3 + 1.2 * u[2], 2 + 10 * u[3])
        if u[4] < 0.15:
            images = ghosted(images, 0.02 + 0.08 * u[5])
        out[index] = torch.from_numpy(images).transpose(1, 2) if u[0] < 0.5 else torch.from_numpy(images)
    return out
