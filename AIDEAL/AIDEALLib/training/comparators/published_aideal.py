"""AI-DEAL as published: networks with Normal outputs, then weighted least squares with diagonal weights; no labels.

After Meneses et al., Med Image Anal 2026, doi 10.1016/j.media.2025.103811. A ConvLSTM over the echoes feeds a U-Net each for
off-resonance (tanh x 300 Hz) and R2* (sigmoid x 200 1/s); both give mean and variance. Water and fat follow from weighted
least squares, whose weights are the variances that off-resonance and R2* cause in each echo, without their correlation
between echoes and without thermal noise; PDFF has the variance of a ratio of independent quantities. Training re-creates the
echoes, in three stages: off-resonance with R2* = 0, R2* from the magnitudes (Rice density), off-resonance again with R2*. The
published loss of complex echoes divides the squared error by the standard deviation, not by the variance; that is kept.

Differences: smaller (ConvLSTM of 8 channels, U-Nets of 16 to 96 instead of 32 to 512 channels with self-attention); group
instead of instance normalisation; AdamW at the better of two rates instead of Adam at 1e-4; simulated slices instead of
in-vivo ones; a floor of 1e-3 of the brightest tissue under the standard deviation of an echo, without which the loss is
unbounded; SD of an echo by propagation of both variances, since the publication was available in summary only.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from ...physics.signal import per_echo
from ...physics.spectrum import SIX_PEAK
from ...simulation.random_slices import SliceBatch
from .interface import ComparatorNetwork, NetworkEstimate
from .parts import LEAST_SIGNAL, Decoder, Encoder, brightest
from .weighted_fit import WaterFat, weighted_fit

LARGEST_FIELD_HZ, LARGEST_R2STAR_PER_S = 300.0, 200.0
HIDDEN = 8
FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"
LEAST_SD = 1e-3


class EchoLSTM(nn.Module):
    """Convolutional long short-term memory over the echoes; the last hidden state is the output.

    Parameters
    ----------
    inputs : int
        Channels of an echo.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(inputs + HIDDEN, 4 * HIDDEN, 3, padding=1)

    def forward(self, echoes: torch.Tensor) -> torch.Tensor:
        """(batch, echo, channel, row, column) to (batch, `HIDDEN`, row, column)."""
        hidden = cell = echoes.new_zeros(echoes.shape[0], HIDDEN, *echoes.shape[-2:])
        for echo in echoes.unbind(1):
            keep, add, out, new = self.gates(torch.cat([echo, hidden], 1)).chunk(4, 1)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(add) * torch.tanh(new)
            hidden = torch.sigmoid(out) * torch.tanh(cell)
        return hidden


class NormalNetwork(nn.Module):
    """ConvLSTM and U-Net with a mean and the logarithm of a variance as outputs.

    Parameters
    ----------
    inputs : int
        Channels of an echo: 2 of a complex one, 1 of a magnitude.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.lstm, self.encoder, self.decoder = EchoLSTM(inputs), Encoder(HIDDEN), Decoder(2)

    def forward(self, echoes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Unscaled mean and logarithm of the variance, (batch, row, column) each."""
        mean, log_variance = self.decoder(self.encoder(self.lstm(echoes))).unbind(1)
        return mean, log_variance.clamp(-6, 6)


class PublishedAIDEAL(ComparatorNetwork):
    """Both networks and the least squares."""

    stages = (FIELD, R2STAR, FIELD_WITH_R2STAR)
    labels = False

    def __init__(self) -> None:
        super().__init__()
        self.field, self.r2star = NormalNetwork(2), NormalNetwork(1)

    def trained(self, stage: str) -> Iterable[nn.Parameter]:
        """See `ComparatorNetwork`: the other network is frozen."""
        return (self.r2star if stage == R2STAR else self.field).parameters()

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        scaled = echoes / brightest(echoes)
        found = self._fit(scaled, te_s, field_strength_t, self._field(scaled), self._r2star(scaled))
        total = (found.water + found.fat).abs().clamp_min(LEAST_SIGNAL)
        pdff = found.fat.abs() / (found.water.abs() + found.fat.abs()).clamp_min(LEAST_SIGNAL)
        variance = found.fat_variance / total**2 + pdff**2 * (found.water_variance + found.fat_variance) / total**2
        return NetworkEstimate(pdff, variance.sqrt())

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Misfit of the re-created echoes over the voxels with signal; reads no truth."""
        scaled = batch.echoes / brightest(batch.echoes)
        frozen = torch.no_grad() if stage == R2STAR else torch.enable_grad()
        with frozen:
            field = self._field(scaled)
        if stage == FIELD:
            r2star = (torch.zeros_like(field[0]), torch.zeros_like(field[0]))
        elif stage == R2STAR:
            r2star = self._r2star(scaled)
        else:
            with torch.no_grad():
                r2star = self._r2star(scaled)
        found = self._fit(scaled, batch.te_s, batch.field_strength_t, field, r2star)
        sd = found.echo_sd.clamp_min(LEAST_SD)
        if stage == R2STAR:
            nats = _rician_nats(scaled.abs(), found.model.abs(), sd)
        else:
            nats = (scaled - found.model).abs().square() / sd + sd.log()
        inside = (scaled.abs().amax(1) > 2 * LEAST_SIGNAL).float()
        return (nats.mean(1) * inside).sum() / inside.sum().clamp_min(1)

    def _field(self, scaled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (Hz) and variance (Hz^2) of off-resonance."""
        mean, log_variance = self.field(torch.stack([scaled.real, scaled.imag], 2))
        return LARGEST_FIELD_HZ * torch.tanh(mean), (log_variance + 2).exp()

    def _r2star(self, scaled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (1/s) and variance (1/s^2) of R2*."""
        mean, log_variance = self.r2star(scaled.abs()[:, :, None])
        return LARGEST_R2STAR_PER_S * torch.sigmoid(mean - 1.5), (log_variance + 4).exp()

    def _fit(
        self,
        scaled: torch.Tensor,
        te_s: torch.Tensor,
        field_strength_t: float,
        field: tuple[torch.Tensor, torch.Tensor],
        r2star: tuple[torch.Tensor, torch.Tensor],
    ) -> WaterFat:
        """Least squares, then with the weights that follow from the fitted echoes."""
        echoes = scaled.movedim(1, 0)
        modulation = SIX_PEAK.modulation(te_s, field_strength_t).to(echoes.dtype)
        times = te_s.float()
        plain = weighted_fit(echoes, field[0], r2star[0], times, modulation, torch.ones_like(echoes.real))
        t, signal = per_echo(times, field[0]), plain.model.movedim(1, 0).abs()
        variance = signal**2 * ((2 * torch.pi * t) ** 2 * field[1] + t**2 * r2star[1])
        return weighted_fit(echoes, field[0], r2star[0], times, modulation, variance.clamp_min(LEAST_SD**2))


def _rician_nats(magnitude: torch.Tensor, model: torch.Tensor, sd: torch.Tensor) -> torch.Tensor:
    """-log of the Rice density of (batch, echo, row, column), without terms free of model and SD.

    p(s | m) = s / sd^2 exp(-(s^2 + m^2) / 2 sd^2) I_0(s m / sd^2), with the scaled Bessel function (Gudbjartsson and Patz, Magn
    Reson Med 1995;34:910).
    """
    argument = magnitude * model / sd**2
    return 2 * sd.log() + (magnitude - model) ** 2 / (2 * sd**2) - torch.log(torch.special.i0e(argument).clamp_min(1e-20))
