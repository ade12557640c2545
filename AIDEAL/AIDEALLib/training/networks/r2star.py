"""G_R2*: transverse decay from echoes and field."""

import torch
from torch import nn

from ...physics.residual_profile import pair_products, projection_weights
from ...physics.signal import residual_degrees_of_freedom
from ...physics.spectrum import fat_phasor
from .evidence import PROFILE_FLOOR, context_channels, evidence_correction, log_profile, start_from_evidence
from .unet import UNet, pad_to_16

R2STAR_BINS = 24
R2STAR_MAX_PER_S = 1500.0


class R2StarNetwork(nn.Module):
    """G_R2*: echoes and field to a distribution of R2* over a log-spaced grid.

    Parameters
    ----------
    widths : tuple of int
        Channels of each level of the U-Net.
    """

    grid_per_s: torch.Tensor

    def __init__(self, widths: tuple[int, int, int, int] = (24, 32, 48, 64)) -> None:
        super().__init__()
        self.floor = PROFILE_FLOOR
        self.register_buffer("grid_per_s", r2star_grid())
        self.unet = UNet(R2STAR_BINS + 4, R2STAR_BINS, widths, attention=False)
        self.evidence = nn.Conv2d(R2STAR_BINS + 2, R2STAR_BINS, 1)
        start_from_evidence(self.evidence, R2STAR_BINS)
        self.weighing = evidence_correction(R2STAR_BINS + 4, R2STAR_BINS)
        self.temperature = nn.Parameter(torch.ones(()), requires_grad=False)

    def logits(self, energy: torch.Tensor, total: torch.Tensor, n_echoes: int, duration_s: torch.Tensor) -> torch.Tensor:
        """Trainable part: logits from the residual profile.

        Parameters
        ----------
        energy : torch.Tensor, shape (batch, R, row, column)
            Residual profile over the grid.
        total : torch.Tensor, shape (batch, 1, row, column)
            |s|^2.
        n_echoes : int
            Number of echoes.
        duration_s : torch.Tensor, scalar
            Time from first to last echo.

        Returns
        -------
        torch.Tensor, shape (batch, R, row, column)
        """
        profile = log_profile(energy, total, self.floor)
        context = context_channels(energy.amin(1, keepdim=True), total, residual_degrees_of_freedom(n_echoes))
        protocol = torch.stack([torch.log10(duration_s) + 2.0, torch.full_like(duration_s, 4.0 / n_echoes)]).to(profile.dtype)
        protocol = protocol.reshape(1, 2, 1, 1).expand(profile.shape[0], 2, profile.shape[2], profile.shape[3])
        rows, columns = profile.shape[2], profile.shape[3]
        inputs = torch.cat([profile, context, protocol], 1)
        spatial = self.unet(pad_to_16(inputs))[:, :, :rows, :columns]
        return (spatial + self.evidence(inputs[:, :-2]) + self.weighing(inputs)) / self.temperature

    def forward(
        self,
        echoes: torch.Tensor,
        field_hz: torch.Tensor,
        te_s: torch.Tensor,
        field_strength_t: float,
        fat_ppm: torch.Tensor,
        fat_amplitudes: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Distribution, mean and variance of R2*.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex64
            Echoes.
        field_hz : torch.Tensor, shape (batch, row, column)
            Off-resonance from G_phi.
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
        q : torch.Tensor, shape (batch, R2STAR_BINS, row, column)
            Probabilities over `r2star_grid`.
        mean : torch.Tensor, shape (batch, row, column), 1/s
            Mean.
        variance : torch.Tensor, shape (batch, row, column), 1/s^2
            Variance.
        """
        modulation = fat_phasor(te_s, field_strength_t, fat_ppm, fat_amplitudes)
        energy = r2star_profile(echoes, field_hz, te_s, modulation, self.grid_per_s)
        total = (echoes.real * echoes.real + echoes.imag * echoes.imag).sum(1, keepdim=True)
        total = total + 1e-12 * total.amax() + 1e-30
        q = torch.softmax(self.logits(energy, total, echoes.shape[1], te_s[-1] - te_s[0]), 1)
        grid = self.grid_per_s.to(q.dtype).reshape(1, -1, 1, 1)
        mean = (q * grid).sum(1)
        variance = (q * grid * grid).sum(1) - mean * mean
        return q, mean, variance.clamp_min(1.0)


def r2star_grid() -> torch.Tensor:
    """Grid of R2* in 1/s, dense near 0 and logarithmic up to R2STAR_MAX_PER_S, shape (R2STAR_BINS,), float64."""
    u = torch.linspace(0, 1, R2STAR_BINS, dtype=torch.float64)
    return 20.0 * ((1.0 + R2STAR_MAX_PER_S / 20.0) ** u - 1.0)


def r2star_profile(
    echoes: torch.Tensor, field_hz: torch.Tensor, te_s: torch.Tensor, modulation: torch.Tensor, grid_per_s: torch.Tensor
) -> torch.Tensor:
    """Residual energy over a grid of R2* at a given field.

    Parameters
    ----------
    echoes : torch.Tensor, shape (batch, echo, ...), complex
        Echoes.
    field_hz : torch.Tensor, shape (batch, ...)
        Off-resonance.
    te_s : torch.Tensor, shape (echo,), float64, seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c_n.
    grid_per_s : torch.Tensor, shape (R,)
        Values of R2*.

    Returns
    -------
    torch.Tensor, shape (batch, R, ...), real

    Notes
    -----
    Closed form: energy left by the projection of the demodulated echoes on water and fat, see `projection_weights`.
    """
    tau = (te_s - te_s[0]).to(field_hz.dtype).reshape([1, -1] + [1] * (field_hz.dim() - 1))
    angle = -2 * torch.pi * field_hz.unsqueeze(1) * tau
    demodulated = echoes * torch.polar(torch.ones_like(angle), angle)
    weights = projection_weights(torch.zeros(1, dtype=torch.float64, device=te_s.device), grid_per_s, te_s, modulation)[:, 0]
    products = pair_products(demodulated).flatten(2)
    energy = torch.matmul(weights.to(products.dtype), products).clamp_min(0.0)
    return energy.reshape([echoes.shape[0], grid_per_s.shape[0]] + list(field_hz.shape[1:]))
