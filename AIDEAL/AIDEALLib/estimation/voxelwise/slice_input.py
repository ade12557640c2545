"""What both methods start from: a slice cropped to its foreground, the protocol's constants and the belief of G_phi."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ...models import Networks
from ...physics.residual_profile import field_period_hz
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis
from .noise import noise_of_fits

MODEL_PRECISION = 3e-3
"""Share of the signal below which a difference between two fits says nothing."""


@dataclass(frozen=True)
class Scan:
    """The protocol of a scan on one device, shared by all its slices.

    Attributes
    ----------
    te_s : (echo,) float64 seconds; field_strength_t : tesla; spectrum : of fat; basis : constants of the linear step.
    period_hz : period of off-resonance; fat_shift_hz : mean fat shift, the distance of a swapped mode.
    """

    te_s: torch.Tensor
    field_strength_t: float
    spectrum: FatSpectrum
    basis: EchoBasis
    period_hz: float
    fat_shift_hz: float

    @classmethod
    def of(cls, te_s: torch.Tensor, field_strength_t: float, spectrum: FatSpectrum) -> Scan:
        """Prepare the constants on the device of `te_s`."""
        basis = EchoBasis.of(te_s, spectrum.modulation(te_s, field_strength_t))
        period = float(field_period_hz(te_s))
        return cls(te_s, field_strength_t, spectrum, basis, period, spectrum.mean_shift_hz(field_strength_t))

    @property
    def swap_hz(self) -> float:
        """How far a swapped mode lies from the right one, within one period."""
        return abs(self.fat_shift_hz - self.period_hz * math.floor(self.fat_shift_hz / self.period_hz + 0.5))


@dataclass(frozen=True)
class SliceInput:
    """One slice, ready for a method.

    Attributes
    ----------
    scan, networks : the protocol and the loaded networks.
    echoes : complex64 (echo, row, column), cropped; mask : bool (row, column), its foreground.
    voxels : complex64 (echo, voxels), the echoes inside the mask.
    q : (K, voxels) distribution of G_phi; field_hz : (row, column) mean of its main mode; field_variance : (voxels,) in Hz^2.
    rough_noise : noise per real channel from spatial differences, scalar.
    mixed : leave the phase of the first echo out of the last fit.
    """

    scan: Scan
    networks: Networks
    echoes: torch.Tensor
    mask: torch.Tensor
    voxels: torch.Tensor
    q: torch.Tensor
    field_hz: torch.Tensor
    field_variance: torch.Tensor
    rough_noise: torch.Tensor
    mixed: bool = False

    def noise(self, residual_energy: torch.Tensor) -> torch.Tensor:
        """Noise per real channel from the residual of voxelwise fits; for three echoes, which leave none, from differences."""
        return noise_of_fits(residual_energy, self.voxels.shape[0], self.rough_noise)

    def evidence_noise(self, noise_sd: torch.Tensor) -> torch.Tensor:
        """Noise to weigh modes by: not below what the signal model and single precision leave undecided (`MODEL_PRECISION`)."""
        signal = self.voxels.abs().square().mean().sqrt()
        return torch.maximum(noise_sd, MODEL_PRECISION * signal)
