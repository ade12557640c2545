"""Random slices for training: shapes, tissues, fields and protocols drawn wide, so that no anatomy or scanner is learned.

Everything is drawn in batches on torch tensors; one batch shares one protocol. The truth travels along for evaluation only:
training never reads it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import torch

from ..physics.cramer_rao import cramer_rao
from ..physics.signal import per_echo, synthesise
from ..physics.spectrum import SIX_PEAK

AIR_TISSUE_PPM = 9.0
"""Susceptibility of air relative to tissue."""
_Batch = TypeVar("_Batch", bound="EchoBatch")


@dataclass(frozen=True)
class EchoBatch:
    """A batch of slices with one protocol: all that training may see.

    Attributes
    ----------
    echoes : complex64 (batch, echo, row, column).
    te_s : (echo,) float64 seconds; field_strength_t : tesla.
    noise_sd : (batch,) standard deviation per real channel.
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
    """Simulated slices with their truth, which is there for evaluation and for supervised comparators.

    Attributes
    ----------
    pdff_percent, r2star_per_s, field_hz : truth, (batch, row, column).
    tissue : bool (batch, row, column), where there is signal.
    """

    pdff_percent: torch.Tensor
    r2star_per_s: torch.Tensor
    field_hz: torch.Tensor
    tissue: torch.Tensor


def random_protocol(generator: torch.Generator) -> tuple[torch.Tensor, float]:
    """Echo times (s) and field strength (T): 3-16 echoes, TE1 0.8-3 ms, spacing 0.6-4 ms, 0.3-7 T.

    Protocols that cannot tell water from fat (Cramer-Rao bound of PDFF above 12 points at SNR 50) are drawn again.
    """
    while True:
        u = torch.rand(6, generator=generator, dtype=torch.float64)
        choices = (0.35, 0.55, 1.0, 1.5, 1.5, 1.5, 3.0, 3.0, 3.0, 7.0)
        field_strength = choices[int(u[0] * len(choices))] * float(0.98 + 0.04 * u[5])
        n = (3, 3, 4, 5, 6, 6, 6, 7, 8, 10, 12, 16)[int(u[1] * 12)]
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


def smooth_noise(batch: int, size: int, correlation: float, generator: torch.Generator) -> torch.Tensor:
    """Unit-variance random fields (batch, size, size), Gaussian spectrum; correlation length as a fraction of the size."""
    k = torch.fft.fftfreq(size)[:, None] ** 2 + torch.fft.rfftfreq(size)[None, :] ** 2
    white = torch.fft.rfft2(torch.randn(batch, size, size, generator=generator))
    out = torch.fft.irfft2(white * torch.exp(-2 * (math.pi * correlation * size) ** 2 * k), s=(size, size))
    return out / out.flatten(1).std(1).clamp_min(1e-6)[:, None, None]


def random_blobs(
    batch: int, count: int, size: int, radius: tuple[float, float], generator: torch.Generator, spread: float = 0.5
) -> torch.Tensor:
    """Signed shape functions (batch, count, size, size), positive inside blobs with wavy outlines.

    `radius` is the range of mean radii, `spread` the largest distance of a centre from the middle along each axis, both as
    fractions of the slice; values are 1 - (distance / local radius).
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(batch, count, 1, 1, generator=generator)

    axis = torch.linspace(-0.5, 0.5, size)
    dy, dx = axis[:, None] - uniform(-spread, spread), axis[None, :] - uniform(-spread, spread)
    angle, stretch = uniform(0, math.pi), uniform(1, 2.2)
    a = dx * torch.cos(angle) + dy * torch.sin(angle)
    b = (dy * torch.cos(angle) - dx * torch.sin(angle)) * stretch
    distance = torch.sqrt(a * a + b * b + 1e-9)
    cos, sin = a / distance, b / distance
    cos2, sin2 = cos * cos - sin * sin, 2 * cos * sin
    cos3, sin3 = cos * cos2 - sin * sin2, sin * cos2 + cos * sin2
    wave = 1 + uniform(-0.2, 0.2) * cos2 + uniform(-0.2, 0.2) * sin2 + uniform(-0.15, 0.15) * cos3 + uniform(-0.15, 0.15) * sin3
    return 1 - distance / (uniform(radius[0], radius[1]) * wave)


def planar_dipole_field(susceptibility_ppm: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Field in ppm of a susceptibility slice (batch, size, size), as one plane wave along the slice normal sees it.

    The dipole kernel 1/3 - (k.b)^2/k^2 is used with a random direction b of the main field and a random wave number along the
    normal, so that fields range from those of long cylinders to those of compact bodies. Zero padded to twice the size.
    """
    batch, size, _ = susceptibility_ppm.shape
    padded = 2 * size
    u = torch.rand(batch, 3, 1, 1, generator=generator)
    tilt, turn = torch.acos(2 * u[:, 0] - 1), 2 * math.pi * u[:, 1]
    ky, kx = torch.fft.fftfreq(padded)[:, None], torch.fft.rfftfreq(padded)[None, :]
    kz = (0.3 + u[:, 2]) / (0.6 * size)
    along = torch.sin(tilt) * (kx * torch.cos(turn) + ky * torch.sin(turn)) + torch.cos(tilt) * kz
    kernel = 1 / 3 - along**2 / (kx**2 + ky**2 + kz**2)
    spectrum = torch.fft.rfft2(susceptibility_ppm, s=(padded, padded))
    return torch.fft.irfft2(spectrum * kernel, s=(padded, padded))[:, :size, :size]


@dataclass(frozen=True)
class _Tissue:
    density: torch.Tensor
    pdff: torch.Tensor
    r2star: torch.Tensor
    field_ppm: torch.Tensor


def _random_tissue(batch: int, size: int, generator: torch.Generator) -> _Tissue:
    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    def pdff_values(*shape: int) -> torch.Tensor:
        kind, u = uniform(*shape), uniform(*shape)
        return torch.where(kind < 0.55, 0.15 * u**1.5, torch.where(kind < 0.8, u, 1 - 0.15 * u))

    def r2star_values(*shape: int) -> torch.Tensor:
        kind, u = uniform(*shape), uniform(*shape)
        return torch.where(kind < 0.85, 12 * 12.5**u, 120 * 8.5**u)

    # The body: one large blob (it may leave the field of view) and up to two islands such as arms.
    body = random_blobs(batch, 3, size, (0.10, 0.20), generator)
    big = random_blobs(batch, 1, size, (0.30, 0.75), generator, 0.2)
    islands = torch.where(uniform(batch, 2, 1, 1) < 0.3, body[:, :2], -1)
    outline = torch.cat([big, islands], 1).amax(1)
    inside = outline > 0
    rim = (outline < 0.02 + 0.2 * uniform(batch, 1, 1)) & inside

    shape = (batch, 1, 1)
    density, pdff, r2star = (0.4 + 0.6 * uniform(*shape)) * inside, pdff_values(*shape) * inside, r2star_values(*shape) * inside
    count = 10
    organs = random_blobs(batch, count, size, (0.04, 0.28), generator)
    organs = organs + 0.25 * smooth_noise(batch, size, 0.04, generator)[:, None] * uniform(batch, count, 1, 1)
    present = uniform(batch, count, 1, 1) < 0.8
    # Edges are one voxel soft in half of the slices: partial volume of tissues with different fat.
    sharpness = torch.where(uniform(batch, 1, 1) < 0.5, 200.0, 20.0)
    for j in range(count):
        weight = torch.sigmoid(organs[:, j] * sharpness) * present[:, j] * inside
        density = density + weight * (0.15 + 0.95 * uniform(*shape) - density)
        pdff = pdff + weight * (pdff_values(*shape) - pdff)
        r2star = r2star + weight * (r2star_values(*shape) - r2star)
    subcutaneous = (uniform(*shape) < 0.85) & rim
    density = torch.where(subcutaneous, 0.8 + 0.3 * uniform(*shape), density)
    pdff = torch.where(subcutaneous, 0.85 + 0.15 * uniform(*shape), pdff)
    r2star = torch.where(subcutaneous, 20 + 40 * uniform(*shape), r2star)

    # Texture.
    density = density * (1 + 0.15 * uniform(*shape) * smooth_noise(batch, size, 0.012, generator)).clamp(0.1, 2)
    pdff = (pdff + 0.06 * uniform(*shape) * smooth_noise(batch, size, 0.02, generator) * inside).clamp(0, 1)
    r2star = (r2star * (1 + 0.15 * uniform(*shape) * smooth_noise(batch, size, 0.015, generator))).clamp(5, 1200)

    # Air inside: gas and lung, without signal but with susceptibility.
    gas = random_blobs(batch, 5, size, (0.02, 0.14), generator)
    gas = torch.where(uniform(batch, 5, 1, 1) < 0.35, gas, -1).amax(1)
    air = (gas > 0) | ~inside
    density = torch.where(air, 0.0, density)
    susceptibility = torch.where(air, AIR_TISSUE_PPM, 0.0) - 0.6 * pdff * ~air
    field_ppm = planar_dipole_field(susceptibility - AIR_TISSUE_PPM, generator)
    return _Tissue(density, pdff, r2star, field_ppm)


def _random_field_hz(tissue: _Tissue, field_strength_t: float, period_hz: float, generator: torch.Generator) -> torch.Tensor:
    """Susceptibility field less its mean, plus shim remainders: linear, quadratic and smooth terms, possibly wrapping."""
    batch, size, _ = tissue.density.shape
    ppm_to_hz = 42.577 * field_strength_t
    u = torch.rand(batch, 8, 1, 1, generator=generator)
    hz = tissue.field_ppm * ppm_to_hz * (0.3 + 0.9 * u[:, 0])
    axis = torch.linspace(-0.5, 0.5, size)
    y, x = axis[:, None], axis[None, :]
    spread = 40 + 260 * u[:, 1] ** 2 * (field_strength_t / 1.5) ** 0.5  # Hz over the field of view
    steep = torch.where(u[:, 7] < 0.15, 2.5 * period_hz * u[:, 2], 0.0)  # several wraps
    direction = 2 * math.pi * u[:, 3]
    hz = hz + (spread * (2 * u[:, 4] - 1) + steep) * (x * torch.cos(direction) + y * torch.sin(direction))
    hz = hz + spread * (4 * u[:, 5] - 2) * (x * x - y * y) + spread * (4 * u[:, 6] - 2) * x * y
    hz = hz + 0.15 * spread * smooth_noise(batch, size, 0.12, generator)
    inside = tissue.density > 0
    mean = (hz * inside).sum((1, 2), keepdim=True) / inside.sum((1, 2), keepdim=True).clamp_min(1)
    offset = period_hz * (torch.rand(batch, 1, 1, generator=generator) - 0.5)  # the centre frequency is anybody's guess
    return hz - mean + offset


def random_slices(batch: int, size: int, generator: torch.Generator) -> SliceBatch:
    """Draw a protocol and a batch of slices.

    Parameters
    ----------
    batch : number of slices; size : rows and columns; generator : source of all randomness.
    """
    te, field_strength = random_protocol(generator)
    tissue = _random_tissue(batch, size, generator)
    period = float(1 / (te[1:] - te[:-1]).min())
    field_hz = _random_field_hz(tissue, field_strength, period, generator)
    u = torch.rand(batch, 6, 1, 1, generator=generator)

    coil = (0.25 * smooth_noise(batch, size, 0.25, generator) * u[:, 0]).exp()
    phase = 2 * math.pi * u[:, 1] + 1.5 * smooth_noise(batch, size, 0.25, generator) * u[:, 2]
    amplitude = torch.polar(tissue.density * coil, phase)
    water, fat = amplitude * (1 - tissue.pdff), amplitude * tissue.pdff
    fat = fat * torch.polar(torch.ones(batch, 1, 1), 0.4 * (u[:, 3] - 0.5))
    echoes = synthesise(water, fat, field_hz, tissue.r2star, te, SIX_PEAK.modulation(te, field_strength)).movedim(0, 1)
    echoes = _nuisance(echoes, generator)

    signal = amplitude.abs()
    inside = tissue.density > 0.05
    level = (signal * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
    snr = 5 * 40 ** torch.rand(batch, generator=generator)
    noise_sd = level.clamp_min(0.1) / snr
    noise = torch.randn(*echoes.shape, 2, generator=generator) * noise_sd[:, None, None, None, None]
    echoes = (echoes + torch.view_as_complex(noise)).to(torch.complex64)
    return SliceBatch(echoes, te, field_strength, noise_sd, 100 * tissue.pdff, tissue.r2star, field_hz, inside)


def _nuisance(echoes: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What real scans have and the model has not: odd/even phase left over, ghosts, a disturbed first echo."""
    batch, n, size, _ = echoes.shape
    u = torch.rand(batch, 6, 1, 1, 1, generator=generator)
    x = torch.linspace(-0.5, 0.5, size)
    odd = per_echo((-1.0) ** torch.arange(n), echoes[0, 0])
    theta = torch.where(u[:, 0] < 0.15, 0.15 * (2 * u[:, 1] - 1) + 0.2 * (2 * u[:, 2] - 1) * x, 0.0)
    echoes = echoes * torch.polar(torch.ones_like(theta * odd), theta * odd)
    first = torch.where(u[:, 3] < 0.1, 0.15 * (2 * u[:, 4] - 1), 0.0)
    first = first * per_echo((torch.arange(n) == 0).float(), echoes[0, 0])
    echoes = echoes * torch.polar(torch.ones_like(first), first)
    strength = torch.where(u[:, 5] < 0.15, 0.04, 0.0)
    return echoes + strength * echoes.roll(size // 2, dims=2)
