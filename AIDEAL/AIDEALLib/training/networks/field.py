"""G_phi: off-resonance from echoes."""

import torch
from torch import nn

from ...physics.residual_profile import field_grid_hz, field_period_hz, residual_profile
from ...physics.signal import residual_degrees_of_freedom
from ...physics.spectrum import fat_phasor
from .evidence import PROFILE_FLOOR, context_channels, evidence_correction, log_profile, start_from_evidence
from .unet import UNet, pad_to_16

FIELD_BINS = 32
R2STAR_SEARCH_PER_S = (12.0, 40.0, 90.0, 250.0, 700.0)
FIELDS_IN_A_BIN = 3
"""With both grids this fine, the residual due to the grids is below the difference of the two modes in nearly all protocols."""


class FieldNetwork(nn.Module):
    """G_phi: echoes to a distribution of off-resonance over the circle of one period.

    Parameters
    ----------
    widths : tuple of int
        Channels of each level of the U-Net.
    """

    r2star_search: torch.Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 104, 136)) -> None:
        super().__init__()
        self.bins, self.fields_in_a_bin, self.floor = FIELD_BINS, FIELDS_IN_A_BIN, PROFILE_FLOOR
        self.register_buffer("r2star_search", torch.tensor(R2STAR_SEARCH_PER_S))
        self.unet = UNet(FIELD_BINS + 5, FIELD_BINS, widths, attention=True)
        self.evidence = nn.Conv2d(FIELD_BINS + 2, FIELD_BINS, 1)
        start_from_evidence(self.evidence, FIELD_BINS)
        self.weighing = evidence_correction(FIELD_BINS + 5, FIELD_BINS)
        self.temperature = nn.Parameter(torch.ones(()), requires_grad=False)

    def logits(self, energy: torch.Tensor, total: torch.Tensor, n_echoes: int, shift_turns: torch.Tensor) -> torch.Tensor:
        """Trainable part: logits from the residual profile.

        Parameters
        ----------
        energy : torch.Tensor, shape (batch, K, row, column)
            Residual profile.
        total : torch.Tensor, shape (batch, 1, row, column)
            |s|^2.
        n_echoes : int
            Number of echoes.
        shift_turns : torch.Tensor, scalar
            Mean fat shift as a fraction of the period: the distance of the swapped mode.

        Returns
        -------
        torch.Tensor, shape (batch, K, row, column)
        """
        profile = log_profile(energy, total, self.floor)
        middle = _centre_index(profile, total)
        profile = _rotate(profile, middle)
        context = context_channels(energy.amin(1, keepdim=True), total, residual_degrees_of_freedom(n_echoes))
        angle = 2 * torch.pi * shift_turns
        constant = torch.stack([torch.cos(angle), torch.sin(angle), torch.full_like(angle, 4.0 / n_echoes)]).to(profile.dtype)
        constant = constant.reshape(1, 3, 1, 1).expand(profile.shape[0], 3, profile.shape[2], profile.shape[3])
        rows, columns = profile.shape[2], profile.shape[3]
        inputs = torch.cat([profile, context, constant], 1)
        spatial = self.unet(pad_to_16(inputs))[:, :, :rows, :columns]
        logits = spatial + self.evidence(inputs[:, :-3]) + self.weighing(inputs)
        return _rotate(logits, -middle) / self.temperature

    def forward(
        self,
        echoes: torch.Tensor,
        te_s: torch.Tensor,
        field_strength_t: float,
        fat_ppm: torch.Tensor,
        fat_amplitudes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Distribution, mean and variance of off-resonance.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex64
            Echoes.
        te_s : torch.Tensor, shape (echo,), float64, seconds
            Echo times.
        field_strength_t : float, tesla
            Main field.
        fat_ppm : torch.Tensor, shape (peaks,), ppm
            Fat resonances relative to water.
        fat_amplitudes : torch.Tensor, shape (peaks,)
            Their relative amplitudes.

        Returns
        -------
        q : torch.Tensor, shape (batch, K, row, column)
            Probabilities over `field_grid_hz`.
        mean : torch.Tensor, shape (batch, row, column), Hz
            Circular mean of the main mode.
        variance : torch.Tensor, shape (batch, row, column), Hz^2
            Variance of the main mode.
        """
        modulation = fat_phasor(te_s, field_strength_t, fat_ppm, fat_amplitudes)
        search = self.r2star_search.to(te_s.dtype)
        energy = residual_profile(echoes, te_s, modulation, self.bins, search, self.fields_in_a_bin)
        total = (echoes.real * echoes.real + echoes.imag * echoes.imag).sum(1, keepdim=True)
        total = total + 1e-12 * total.amax() + 1e-30
        shift = torch.angle((modulation[1:] * modulation[:-1].conj()).sum()) / (2 * torch.pi)
        q = torch.softmax(self.logits(energy, total, echoes.shape[1], shift), 1)
        mean, variance = circular_moments(q, field_grid_hz(te_s, self.bins), field_period_hz(te_s))
        return q, mean, variance


def circular_moments(q: torch.Tensor, grid_hz: torch.Tensor, period_hz: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance within the main mode of a distribution over the circle.

    Parameters
    ----------
    q : torch.Tensor, shape (batch, K, ...)
        Probabilities.
    grid_hz : torch.Tensor, shape (K,)
        Bin centres.
    period_hz : torch.Tensor, scalar
        Circumference.

    Returns
    -------
    mean : torch.Tensor, shape (batch, ...), Hz
        Wrapped to one period around 0.
    variance : torch.Tensor, shape (batch, ...), Hz^2
        Includes the width of a bin, 1/12 of its square.

    Notes
    -----
    Closed form over the five bins with the most mass: the main mode is their middle. A second mode (a swap) outside this window
    changes neither.
    """
    bins = q.shape[1]
    width = (period_hz / bins).to(q.dtype)
    mass = q.flatten(2)
    mass = mass.masked_fill(mass < 1e-30, 0.0)  # products of denormal numbers are many times slower
    steps, offsets = torch.arange(bins, device=q.device), torch.arange(-2, 3, device=q.device)
    within = ((steps.unsqueeze(0) - steps.unsqueeze(1) + 2).remainder(bins) < 5).to(q.dtype)
    mode = torch.bmm(within.expand(q.shape[0], bins, bins), mass).max(1, keepdim=True)[1]  # several times faster than argmax
    window = mass.gather(1, (mode + offsets.reshape(1, 5, 1)).remainder(bins))
    window = window / window.sum(1, keepdim=True).clamp_min(1e-12)
    distance = offsets.to(q.dtype).reshape(1, 5, 1)
    mean = (window * distance).sum(1)
    variance = (window * distance * distance).sum(1) - mean * mean + 1.0 / 12.0
    hz = grid_hz.to(q.dtype)[mode.squeeze(1)] + mean * width
    period = period_hz.to(q.dtype)
    shape = [q.shape[0]] + list(q.shape[2:])
    return (hz - period * torch.floor(hz / period + 0.5)).reshape(shape), (variance * width * width).reshape(shape)


def _centre_index(profile: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Bins to rotate each slice's profile by, (batch,), to bring its most frequent field to the middle of the circle.

    The centre frequency of a scan is arbitrary; after the rotation the network need not learn every rotation of every anatomy.
    """
    bright = (total > 0.02 * total.flatten(1).amax(1).reshape(-1, 1, 1, 1)).to(profile.dtype)
    score = torch.bmm(profile.flatten(2), bright.flatten(2).transpose(1, 2)).squeeze(2)
    return score.argmax(1) - profile.shape[1] // 2


def _rotate(x: torch.Tensor, bins: torch.Tensor) -> torch.Tensor:
    """Roll axis 1 of (batch, K, rows, columns) down by `bins`, (batch,)."""
    k = x.shape[1]
    if x.shape[0] == 1:  # several times faster than to gather
        first = int(bins.remainder(k)[0])
        return torch.cat([x[:, first:], x[:, :first]], 1)
    index = (torch.arange(k, device=x.device).unsqueeze(0) + bins.unsqueeze(1)).remainder(k)
    return x.gather(1, index.reshape(-1, k, 1, 1).expand(-1, -1, x.shape[2], x.shape[3]))
