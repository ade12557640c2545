"""What the fits of a neighbourhood leave over beyond noise: motion, ghosts, flow, mixed voxels.

The residual of one voxel has few degrees of freedom and says little. Its mean over the neighbours shows where the echoes do not
follow the signal model, and the errors of PDFF and R2* grow with it.
"""

from __future__ import annotations

import torch

from .neighbours import Neighbours

CHANCE_SDS = 2.0
"""A mean misfit within as many of its standard deviations above 1 is noise."""
HIDDEN_SHARE = 2.0
"""Growth of the variance of PDFF and R2* with the misfit above 1; it would be 1 if artefacts were white noise. They resemble
water and fat in another field, so that the fit takes up more of them, and leaves less over. 1 to 3 on simulated motion."""


def local_misfit(
    residual_energy: torch.Tensor, noise_sd: torch.Tensor, degrees_of_freedom: int, neighbours: Neighbours
) -> torch.Tensor:
    """Mean over each voxel and its neighbours of J / sigma^2 per degree of freedom.

    Parameters
    ----------
    residual_energy : torch.Tensor, shape (voxels,)
        J of the reported mode.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel, above 0.
    degrees_of_freedom : int
        Of the residual.
    neighbours : Neighbours
        Neighbourhood of the voxels.

    Returns
    -------
    torch.Tensor, shape (voxels,)
        About 1 where the echoes follow the signal model; exactly 1 without degrees of freedom.
    """
    if degrees_of_freedom < 1:
        return torch.ones_like(residual_energy)
    return neighbours.mean_around(residual_energy / (noise_sd**2 * degrees_of_freedom))


def noise_variance_factor(misfit: torch.Tensor, degrees_of_freedom: int, neighbours: Neighbours) -> torch.Tensor:
    """Variance of noise and artefact together over that of the noise, from the local misfit.

    Parameters
    ----------
    misfit : torch.Tensor, shape (voxels,)
        Result of `local_misfit`.
    degrees_of_freedom : int
        Of the residual.
    neighbours : Neighbours
        Neighbourhood of the voxels.

    Returns
    -------
    torch.Tensor, shape (voxels,)
        1 or more: 1 + `HIDDEN_SHARE` times the misfit above 1 that chance does not explain.

    Notes
    -----
    J / sigma^2 is chi-square distributed, so that the mean over n voxels has a variance of 2 / (n degrees of freedom).
    """
    if degrees_of_freedom < 1:
        return torch.ones_like(misfit)
    chance = CHANCE_SDS * (2.0 / (degrees_of_freedom * (1 + neighbours.exists.sum(1)))).sqrt()
    return 1 + HIDDEN_SHARE * (misfit - 1 - chance).clamp_min(0)
