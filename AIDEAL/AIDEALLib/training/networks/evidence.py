"""Voxelwise evidence of the networks: log residual profile, its context channels, and layers that start as the fit."""

import torch
from torch import nn

from .unet import fill_zero

PROFILE_FLOOR = 5e-4
"""Share of the signal at which the log of a residual saturates."""


def start_from_evidence(evidence: nn.Conv2d, bins: int) -> None:
    """Begin as the voxelwise fit, each logit its bin's profile: training only learns the effect of neighbours."""
    with torch.no_grad():
        evidence.weight.mul_(0.1)
        evidence.weight[:, :bins, 0, 0] += 1.5 * torch.eye(bins)


def evidence_correction(inputs: int, bins: int) -> nn.Sequential:
    """Correction of the evidence, which depends on noise and number of echoes; zero before training."""
    layers = nn.Sequential(nn.Conv2d(inputs, 64, 1), nn.SiLU(), nn.Conv2d(64, bins, 1))
    fill_zero(layers[2])
    return layers


def log_profile(energy: torch.Tensor, total: torch.Tensor, floor: float) -> torch.Tensor:
    """Negative log of the residual as a share of the signal, mean 0 over the bins.

    Parameters
    ----------
    energy : torch.Tensor, shape (batch, K, row, column)
        Residual profile.
    total : torch.Tensor, shape (batch, 1, row, column)
        |s|^2.
    floor : float
        Share at which the log saturates.

    Returns
    -------
    torch.Tensor, shape (batch, K, row, column)
    """
    logs = torch.log(energy / total + floor)
    return logs.mean(1, keepdim=True) - logs


def context_channels(least: torch.Tensor, total: torch.Tensor, spare: int) -> torch.Tensor:
    """Log signal relative to the brightest tissue, and log of signal over misfit (local quality of the fit).

    Parameters
    ----------
    least : torch.Tensor, shape (batch, 1, row, column)
        Least residual energy over the grid.
    total : torch.Tensor, shape (batch, 1, row, column)
        |s|^2.
    spare : int
        Degrees of freedom of the residual.

    Returns
    -------
    torch.Tensor, shape (batch, 2, row, column)
    """
    scale = total.flatten(1).amax(1).reshape(-1, 1, 1, 1)
    level = torch.log10(total / scale + 1e-5)
    quality = torch.log10(total / (least / max(spare, 1) + 1e-6 * total + 1e-9 * scale))
    return torch.cat([level, quality - 2.0], 1)
