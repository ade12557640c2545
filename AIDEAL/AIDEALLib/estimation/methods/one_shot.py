"""Method `one-shot`, as in the paper (Meneses et al. 2026): both networks, one sub-bin step, weighted least squares."""

from __future__ import annotations

import torch

from ...physics.variable_projection import fit
from ..fusion.mean_field import network_mass
from ..voxelwise.candidates import search_r2star, wrap
from ..voxelwise.gauss_newton import gauss_newton
from ..voxelwise.mode import Mode, Solution, mixture_variance, mode_from_fit
from ..voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from .context import MethodContext


def one_shot(echoes: SliceEchoes, context: MethodContext) -> Solution:
    """Take G_phi's main mode and G_R2*; its strongest alternative a fat shift away only enters P(swap) and the mixture."""
    watch = context.watch
    with watch("network"):
        given = SliceInput.of(echoes, context.networks())
    scan, mask = given.scan, given.mask
    with watch("refinement"):
        sharp = sub_bin_field(given.echoes.flatten(1), given.field_hz.flatten(), scan).reshape(mask.shape)
    with watch("network"):
        _, r2star, r2star_variance = given.networks.r2star_distribution(
            given.echoes, sharp, scan.te_s, scan.field_strength_t, scan.spectrum
        )
    with watch("least squares"):
        field, r2star, r2star_variance = sharp[mask], r2star[mask], r2star_variance[mask]
        linear_fit = fit(given.voxels, field, r2star, scan.basis)
        noise = given.noise(linear_fit.least_residual_energy)
        best = mode_from_fit(linear_fit, field, r2star, noise, given.field_variance, r2star_variance)
        other = _alternative(given, noise)
        own = network_mass(given.q, wrap(given.field_hz[mask], scan.period_hz)[None], scan.period_hz)[0]
        swap = (1 - own).clamp_min(0)
        return Solution(best, swap, mixture_variance(best, [best, other], torch.stack([1 - swap, swap])), noise)


def sub_bin_field(voxels: torch.Tensor, field_hz: torch.Tensor, scan: Scan) -> torch.Tensor:
    """One Gauss-Newton step of the field from a bin of G_phi, with the R2* that explains most of the signal at that field.

    Parameters
    ----------
    voxels : torch.Tensor, shape (echo, voxels), complex64
        Echoes.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Field of the bin.
    scan : Scan
        The protocol.

    Returns
    -------
    torch.Tensor, shape (voxels,), Hz
        The refined field.
    """
    r2star = search_r2star(voxels, field_hz, scan.basis)
    return gauss_newton(voxels, field_hz, r2star, scan.basis, steps=1).field_hz


def _alternative(given: SliceInput, noise: torch.Tensor) -> Mode:
    scan = given.scan
    main = given.field_hz[given.mask]
    sides = torch.stack([wrap(main + scan.fat_shift_hz, scan.period_hz), wrap(main - scan.fat_shift_hz, scan.period_hz)])
    likelier = network_mass(given.q, sides, scan.period_hz).argmax(0, keepdim=True)
    field = sub_bin_field(given.voxels, sides.gather(0, likelier)[0], scan)
    r2star = search_r2star(given.voxels, field, scan.basis)
    return mode_from_fit(fit(given.voxels, field, r2star, scan.basis), field, r2star, noise)
