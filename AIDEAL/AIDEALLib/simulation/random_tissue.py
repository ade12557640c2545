"""Random bodies for training: outline, organs, gas, lung and their susceptibility field, of no anatomy in particular.

Shapes are drawn in a plane whose unit is a typical field of view; `Pixels` defines how much of it a slice shows and how
anisotropic its voxels are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

AIR_TISSUE_PPM = 9.0
"""Susceptibility of air relative to tissue."""
LUNG_TISSUE_PPM = 7.5
"""Susceptibility of inflated lung relative to tissue."""


@dataclass(frozen=True)
class Pixels:
    """Pixel grids of a batch of slices.

    Attributes
    ----------
    size : int
        Rows and columns.
    row : torch.Tensor, shape (batch, 1, 1)
        Extent of each slice along the rows; 1 is a typical field of view.
    column : torch.Tensor, shape (batch, 1, 1)
        Extent of each slice along the columns.
    """

    size: int
    row: torch.Tensor
    column: torch.Tensor

    @classmethod
    def random(cls, batch: int, size: int, generator: torch.Generator) -> Pixels:
        """Draw fields of view from 0.6 to 1.8; in two slices of five, voxels up to twice as long as wide.

        Parameters
        ----------
        batch : int
            Number of slices.
        size : int
            Rows and columns.
        generator : torch.Generator
            Source of randomness.

        Returns
        -------
        Pixels
        """
        u = torch.rand(3, batch, 1, 1, generator=generator)
        zoom = 0.6 * 3 ** u[0]
        aspect = torch.where(u[1] < 0.4, 2 ** (u[2] - 0.5), torch.ones(()))  # square root of length over width
        return cls(size, zoom * aspect, zoom / aspect)

    @property
    def batch(self) -> int:
        """Number of slices."""
        return self.row.shape[0]

    def coordinates(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Coordinates along rows (batch, size, 1) and columns (batch, 1, size), 0 in the middle."""
        axis = torch.linspace(-0.5, 0.5, self.size)
        return axis[:, None] * self.row, axis[None, :] * self.column

    def frequencies(self, n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Spatial frequencies of rfft2 over n x n pixels, in cycles per unit, (batch, n, 1) and (batch, 1, n // 2 + 1)."""
        return (
            torch.fft.fftfreq(n)[:, None] * self.size / self.row,
            torch.fft.rfftfreq(n)[None, :] * self.size / self.column,
        )


def smooth_noise(pixels: Pixels, correlation: float, generator: torch.Generator) -> torch.Tensor:
    """Unit-variance random fields with Gaussian spectrum.

    Parameters
    ----------
    pixels : Pixels
        Pixel grids.
    correlation : float
        Correlation length c; the autocorrelation is exp(-(distance / 2c)^2).
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    torch.Tensor, shape (batch, size, size)
    """
    size = pixels.size
    ky, kx = pixels.frequencies(size)
    white = torch.fft.rfft2(torch.randn(pixels.batch, size, size, generator=generator))
    out = torch.fft.irfft2(white * torch.exp(-2 * (math.pi * correlation) ** 2 * (ky**2 + kx**2)), s=(size, size))
    return out / out.flatten(1).std(1).clamp_min(1e-6)[:, None, None]


def random_blobs(
    pixels: Pixels, count: int, radius: tuple[float, float], generator: torch.Generator, spread: float = 0.5
) -> torch.Tensor:
    """Signed shape functions of blobs with wavy outlines.

    Parameters
    ----------
    pixels : Pixels
        Pixel grids.
    count : int
        Blobs in each slice.
    radius : tuple of float
        Range of the mean radii.
    generator : torch.Generator
        Source of randomness.
    spread : float
        Largest distance of a centre from the middle along each axis.

    Returns
    -------
    torch.Tensor, shape (batch, count, size, size)
        1 - distance / local radius: positive inside.
    """

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(pixels.batch, count, 1, 1, generator=generator)

    y, x = pixels.coordinates()
    dy, dx = y[:, None] - uniform(-spread, spread), x[:, None] - uniform(-spread, spread)
    angle, stretch = uniform(0, math.pi), uniform(1, 2.2)
    a = dx * torch.cos(angle) + dy * torch.sin(angle)
    b = (dy * torch.cos(angle) - dx * torch.sin(angle)) * stretch
    distance = torch.sqrt(a * a + b * b + 1e-9)
    cos, sin = a / distance, b / distance
    cos2, sin2 = cos * cos - sin * sin, 2 * cos * sin
    cos3, sin3 = cos * cos2 - sin * sin2, sin * cos2 + cos * sin2
    wave = 1 + uniform(-0.2, 0.2) * cos2 + uniform(-0.2, 0.2) * sin2 + uniform(-0.15, 0.15) * cos3 + uniform(-0.15, 0.15) * sin3
    return 1 - distance / (uniform(radius[0], radius[1]) * wave)


def planar_dipole_field(susceptibility_ppm: torch.Tensor, pixels: Pixels, generator: torch.Generator) -> torch.Tensor:
    """Field in ppm of slices whose susceptibility varies as one plane wave along the slice normal.

    Parameters
    ----------
    susceptibility_ppm : torch.Tensor, shape (batch, size, size)
        Volume susceptibility (SI) relative to the surroundings.
    pixels : Pixels
        Pixel grids.
    generator : torch.Generator
        Source of randomness.

    Returns
    -------
    torch.Tensor, shape (batch, size, size), ppm

    Notes
    -----
    Dipole kernel 1/3 - (k.b)^2/k^2 (see `dipole_field_ppm`) with a random direction b of the main field and a random wave
    number along the normal, so that fields range from those of long cylinders to those of compact bodies. Zero padded to twice
    the size.
    """
    size = pixels.size
    u = torch.rand(pixels.batch, 3, 1, 1, generator=generator)
    tilt, turn = torch.acos(2 * u[:, 0] - 1), 2 * math.pi * u[:, 1]
    ky, kx = pixels.frequencies(2 * size)
    kz = (0.3 + u[:, 2]) / 0.6
    along = torch.sin(tilt) * (kx * torch.cos(turn) + ky * torch.sin(turn)) + torch.cos(tilt) * kz
    kernel = 1 / 3 - along**2 / (kx**2 + ky**2 + kz**2)
    spectrum = torch.fft.rfft2(susceptibility_ppm, s=(2 * size, 2 * size))
    return torch.fft.irfft2(spectrum * kernel, s=(2 * size, 2 * size))[:, :size, :size]


@dataclass(frozen=True)
class RandomTissue:
    """Tissue of a batch of slices.

    Attributes
    ----------
    density : torch.Tensor, shape (batch, size, size)
        Signal at t = 0.
    pdff : torch.Tensor, shape (batch, size, size)
        PDFF, 0 to 1.
    r2star : torch.Tensor, shape (batch, size, size), 1/s
        R2*.
    field_ppm : torch.Tensor, shape (batch, size, size), ppm
        Susceptibility field, before any shim.
    lung : torch.Tensor, shape (batch, size, size), bool
        Lung.
    """

    density: torch.Tensor
    pdff: torch.Tensor
    r2star: torch.Tensor
    field_ppm: torch.Tensor
    lung: torch.Tensor


def random_tissue(pixels: Pixels, generator: torch.Generator) -> RandomTissue:
    """Draw bodies with organs, fat, iron, gas and, in one slice of five, a chest: domes of tissue in lung inside a wall."""
    batch = pixels.batch
    shape = (batch, 1, 1)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    def pdff_values(*shape: int) -> torch.Tensor:
        kind, u = uniform(*shape), uniform(*shape)
        return torch.where(kind < 0.55, 0.15 * u**1.5, torch.where(kind < 0.8, u, 1 - 0.15 * u))

    def r2star_values(*shape: int) -> torch.Tensor:
        kind, u = uniform(*shape), uniform(*shape)
        return torch.where(kind < 0.85, 12 * 12.5**u, 120 * 8.5**u)

    outline = _outline(pixels, generator)
    inside = outline > 0
    rim = (outline < 0.02 + 0.2 * uniform(*shape)) & inside

    density, pdff, r2star = (0.4 + 0.6 * uniform(*shape)) * inside, pdff_values(*shape) * inside, r2star_values(*shape) * inside
    count = 10
    organs = random_blobs(pixels, count, (0.04, 0.28), generator)
    organs = organs + 0.25 * smooth_noise(pixels, 0.04, generator)[:, None] * uniform(batch, count, 1, 1)
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

    density = density * (1 + 0.15 * uniform(*shape) * smooth_noise(pixels, 0.012, generator)).clamp(0.1, 2)
    pdff = (pdff + 0.06 * uniform(*shape) * smooth_noise(pixels, 0.02, generator) * inside).clamp(0, 1)
    r2star = (r2star * (1 + 0.15 * uniform(*shape) * smooth_noise(pixels, 0.015, generator))).clamp(5, 1200)

    # Without signal, but with susceptibility: air, gas, lung.
    lung = _lung(pixels, outline, generator)
    air = _gas(pixels, generator) | ~inside
    density = torch.where(air | lung, 0.0, density)
    susceptibility = torch.where(air, AIR_TISSUE_PPM, torch.where(lung, LUNG_TISSUE_PPM, -0.6 * pdff))
    field_ppm = planar_dipole_field(susceptibility - AIR_TISSUE_PPM, pixels, generator)
    return RandomTissue(density, pdff, r2star, field_ppm, lung & ~air)


def _outline(pixels: Pixels, generator: torch.Generator) -> torch.Tensor:
    """Body (it may exceed the field of view) and up to two islands: half of them attached, as breasts are, half detached."""
    body = random_blobs(pixels, 1, (0.30, 0.75), generator, 0.2)
    islands = random_blobs(pixels, 2, (0.10, 0.22), generator, 0.7)
    u = torch.rand(pixels.batch, 2, 2, 1, 1, generator=generator)
    detached = torch.minimum(islands, -body - 0.08)
    islands = torch.where(u[:, 0] < 0.35, torch.where(u[:, 1] < 0.5, detached, islands), -1)
    return torch.cat([body, islands], 1).amax(1)


def _gas(pixels: Pixels, generator: torch.Generator) -> torch.Tensor:
    """Gas bubbles, some of them with contents: tissue surrounded by gas, as in bowel."""
    bubbles = random_blobs(pixels, 5, (0.02, 0.14), generator)
    u = torch.rand(pixels.batch, 3, 5, 1, 1, generator=generator)
    contents = (u[:, 0] < 0.3) & (bubbles > 0.2 + 0.4 * u[:, 1])
    return ((bubbles > 0) & ~contents & (u[:, 2] < 0.35)).any(1)


def _lung(pixels: Pixels, outline: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Lung inside a wall, around one or two domes (liver, heart); in one slice of five."""
    domes = random_blobs(pixels, 2, (0.10, 0.32), generator, 0.3)
    u = torch.rand(pixels.batch, 3, 1, 1, generator=generator)
    tissue = torch.where(u[:, 0] < 0.5, domes[:, 0], domes.amax(1)) > 0
    wall = 0.12 + 0.2 * u[:, 1]
    return (outline > wall) & ~tissue & (u[:, 2] < 0.2)
