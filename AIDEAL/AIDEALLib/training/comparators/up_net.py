"""UP-Net, its water-fat part: complex water and fat, R2* and off-resonance, with a variance of PDFF; for one protocol.

After Shih et al., Magn Reson Med 2023;89:1567. Kept: the network that maps multi-echo images to parameters, the loss of each
map with its variance (Kendall and Gal 2017), the loss of the re-created echoes (physics), random phases of the input (phase
augmentation), and the calibration of the uncertainty score by a straight line to the absolute errors of validation slices.
Differences: the first module, which removes streaks of undersampled radial images, and its adversarial loss are left out (the
echoes here are fully sampled); one decoder each for the maps and for the variance; 16 to 96 channels; weights of the terms
chosen here; labels of the simulator instead of maps by compressed sensing and graph cuts. The calibrated score is an absolute
error; times sqrt(pi / 2) it is the standard deviation of a Normal distribution of that mean absolute error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn

from ...physics.residual_profile import field_period_hz
from ...physics.signal import synthesise
from ...physics.spectrum import SIX_PEAK
from ...simulation.random_slices import SliceBatch
from .interface import N_ECHOES, ComparatorNetwork, NetworkEstimate
from .parts import Decoder, Encoder, Targets, brightest, channels, fraction

R2STAR_SCALE_PER_S = 200.0
R2STAR_WEIGHT, FIELD_WEIGHT, PHYSICS_WEIGHT, VARIANCE_WEIGHT = 0.2, 0.2, 0.2, 0.05
LEAST_LOG_VARIANCE, LARGEST_LOG_VARIANCE = -10.0, 0.0


class UPNet(ComparatorNetwork):
    """Maps and a variance of PDFF from six complex echoes."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.maps, self.log_variance = Encoder(2 * N_ECHOES), Decoder(7), Decoder(1)
        self.register_buffer("calibration", torch.tensor([1.0, 0.0]))

    def forward(self, echoes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Maps of echoes on the scale of `channels`.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex
            Echoes.

        Returns
        -------
        water_fat : torch.Tensor, shape (batch, 2, row, column), complex
            Water and fat.
        others : torch.Tensor, shape (batch, 3, row, column)
            R2* in units of `R2STAR_SCALE_PER_S`, cosine and sine of the off-resonance over one period.
        log_variance : torch.Tensor, shape (batch, row, column)
            Logarithm of the variance of PDFF.
        """
        features = self.encoder(channels(echoes))
        maps = self.maps(features)
        water_fat = torch.complex(maps[:, :2], maps[:, 2:4])
        others = torch.cat([nn.functional.softplus(maps[:, 4:5]), maps[:, 5:7]], 1)
        log_variance = self.log_variance(features)[:, 0].sub(4).clamp(LEAST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)
        return water_fat, others, log_variance

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        water_fat, _, log_variance = self(echoes)
        slope, offset = self.get_buffer("calibration")
        absolute_error = (slope * (log_variance / 2).exp() + offset).clamp_min(1e-4)
        return NetworkEstimate(fraction(*water_fat.abs().unbind(1)), math.sqrt(math.pi / 2) * absolute_error)

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Errors of water, fat, R2* and off-resonance, error of PDFF with its variance, and error of the re-created echoes."""
        turn = torch.rand(batch.echoes.shape[0], 1, 1, 1, device=batch.echoes.device) * (2 * math.pi)  # phase augmentation
        echoes = batch.echoes * torch.polar(torch.ones_like(turn), turn)
        targets = Targets.of(batch)
        water_fat, others, log_variance = self(echoes)
        water, fat = water_fat.abs().unbind(1)
        r2star, cosine, sine = others.unbind(1)
        period = float(field_period_hz(batch.te_s))
        angle = 2 * torch.pi * targets.field_hz / period
        separation = targets.mean_absolute(water - targets.water) + targets.mean_absolute(fat - targets.fat)
        decay = targets.mean_absolute(r2star - targets.r2star_per_s.clamp_max(1000) / R2STAR_SCALE_PER_S)
        phasor = targets.mean_absolute(cosine - torch.cos(angle)) + targets.mean_absolute(sine - torch.sin(angle))
        squared = (fraction(water, fat) - targets.pdff) ** 2
        variance = targets.mean_signed((squared * torch.exp(-log_variance) + log_variance) / 2)
        field_hz = torch.atan2(sine, cosine) / (2 * torch.pi) * period
        modulation = SIX_PEAK.modulation(batch.te_s, batch.field_strength_t)
        model = synthesise(water_fat[:, 0], water_fat[:, 1], field_hz, R2STAR_SCALE_PER_S * r2star, batch.te_s, modulation)
        physics = targets.mean_absolute((model.movedim(0, 1) - echoes / brightest(echoes)).abs().mean(1))
        maps = separation + R2STAR_WEIGHT * decay + FIELD_WEIGHT * phasor
        return maps + VARIANCE_WEIGHT * variance + PHYSICS_WEIGHT * physics

    @torch.no_grad()
    def calibrate(self, batches: Iterable[SliceBatch]) -> None:
        """Fit a straight line, absolute error of PDFF against the score, over the tissue of validation slices."""
        scores, errors = [], []
        for batch in batches:
            water_fat, _, log_variance = self(batch.echoes)
            error = (fraction(*water_fat.abs().unbind(1)) - batch.pdff_percent / 100).abs()
            scores.append((log_variance / 2).exp()[batch.tissue])
            errors.append(error[batch.tissue])
        score, absolute = torch.cat(scores).double(), torch.cat(errors).double()
        design = torch.stack([score, torch.ones_like(score)], 1)
        self.get_buffer("calibration").copy_(torch.linalg.lstsq(design, absolute[:, None]).solution[:, 0])
