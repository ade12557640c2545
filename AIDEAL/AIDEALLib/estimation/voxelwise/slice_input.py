"""Input of the methods: a slice cropped to its foreground, the constants of the protocol, the field distribution of G_phi."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

import torch

from ...models import Networks
from ...physics.residual_profile import field_period_hz
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis
from .adjoining_field import AdjoiningField
from .noise import noise_of_fits
from .ringing import Ringing

MODEL_PRECISION = 3e-3
"""Share of the signal below which the difference between two fits is not significant."""


@dataclass(frozen=True)
class Scan:
    """The protocol of a scan on one device, shared by all its slices.

    Attributes
    ----------
    te_s : torch.Tensor, shape (echo,), float64, seconds
        Echo times.
    field_strength_t : float, tesla
        Field strength.
    spectrum : FatSpectrum
        Fat spectrum.
    basis : EchoBasis
        Constants of the linear fit.
    period_hz : float, Hz
        Period of off-resonance.
    fat_shift_hz : float, Hz
        Mean fat shift, the distance of a swapped mode.
    """

    te_s: torch.Tensor
    field_strength_t: float
    spectrum: FatSpectrum
    basis: EchoBasis
    period_hz: float
    fat_shift_hz: float

    @classmethod
    def of(cls, te_s: torch.Tensor, field_strength_t: float, spectrum: FatSpectrum) -> Scan:
        """Compute the constants on the device of the echo times.

        Parameters
        ----------
        te_s : torch.Tensor, shape (echo,), float64, seconds
            Echo times.
        field_strength_t : float, tesla
            Field strength.
        spectrum : FatSpectrum
            Fat spectrum.

        Returns
        -------
        Scan
            The protocol.
        """
        basis = EchoBasis.of(te_s, spectrum.modulation(te_s, field_strength_t))
        period = float(field_period_hz(te_s))
        return cls(te_s, field_strength_t, spectrum, basis, period, spectrum.mean_shift_hz(field_strength_t))

    @property
    def swap_hz(self) -> float:
        """Distance of a swapped mode from the right one, within one period."""
        return abs(self.fat_shift_hz - self.period_hz * math.floor(self.fat_shift_hz / self.period_hz + 0.5))


@dataclass(frozen=True, kw_only=True)
class SliceEchoes:
    """One slice, ready for a method.

    Attributes
    ----------
    scan : Scan
        The protocol.
    echoes : torch.Tensor, shape (echo, row, column), complex64
        Corrected echoes, cropped to the foreground.
    mask : torch.Tensor, shape (row, column), bool
        Foreground.
    voxels : torch.Tensor, shape (echo, voxels), complex64
        Echoes inside the mask.
    rough_noise : torch.Tensor, scalar
        Noise per real channel from spatial differences, in the unit of the echoes.
    mixed : bool
        Whether the last fit leaves out the phase of the first echo.
    difference_shares : tuple of float
        Variance of a difference of adjacent voxels along rows, and along columns, over that of white noise; below 1 where
        k-space is zero filled.
    ringing : Ringing, optional
        Part of `voxels` next to the highest wave number, where k-space was truncated.
    adjoining : AdjoiningField, optional
        Field of the adjoining slice, where it is a prior.
    """

    scan: Scan
    echoes: torch.Tensor
    mask: torch.Tensor
    voxels: torch.Tensor
    rough_noise: torch.Tensor
    mixed: bool = False
    difference_shares: tuple[float, float] = (1.0, 1.0)
    ringing: Ringing | None = None
    adjoining: AdjoiningField | None = None

    def noise(self, residual_energy: torch.Tensor) -> torch.Tensor:
        """Noise per real channel from the residual of voxelwise fits; for three echoes, which leave none, from differences."""
        return noise_of_fits(residual_energy, self.voxels.shape[0], self.rough_noise)

    def evidence_noise(self, noise_sd: torch.Tensor) -> torch.Tensor:
        """Noise to compare modes by: at least `MODEL_PRECISION` of the signal."""
        signal = (self.energy.mean() / len(self.voxels)).sqrt()
        return torch.maximum(noise_sd, MODEL_PRECISION * signal)

    @cached_property
    def energy(self) -> torch.Tensor:
        """Sum of |s|^2 over the echoes of each voxel, (voxels,)."""
        return (self.voxels.real.square() + self.voxels.imag.square()).sum(0)


@dataclass(frozen=True, kw_only=True)
class SliceInput(SliceEchoes):
    """One slice with the field distribution of G_phi.

    Attributes
    ----------
    networks : Networks
        The loaded networks.
    q : torch.Tensor, shape (K, voxels)
        Distribution of G_phi over one period of off-resonance.
    field_hz : torch.Tensor, shape (row, column), Hz
        Mean of its main mode.
    field_variance : torch.Tensor, shape (voxels,), Hz^2
        Variance of its main mode.
    """

    networks: Networks
    q: torch.Tensor
    field_hz: torch.Tensor
    field_variance: torch.Tensor

    @classmethod
    def of(cls, given: SliceEchoes, networks: Networks) -> SliceInput:
        """Run G_phi on a slice."""
        scan, mask = given.scan, given.mask
        q, mean, variance = networks.field_distribution(given.echoes, scan.te_s, scan.field_strength_t, scan.spectrum)
        shared = {f.name: getattr(given, f.name) for f in fields(SliceEchoes)}
        return cls(**shared, networks=networks, q=q[:, mask], field_hz=mean, field_variance=variance[mask])
