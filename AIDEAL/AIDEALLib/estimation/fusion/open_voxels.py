"""Voxels whose mode is open: only there other modes are refined and compared.

In half of the voxels or more the main mode of G_phi is beyond doubt: its residual is many nats below that of any distant field,
water and fat have a common phase, and the neighbours have nearly the same field. The limits were chosen on simulated scans,
plain and hard ones: `python Testing/tools/open_voxels.py 10` finds none, of 91 000 voxels beyond doubt, that the whole fusion
would have given another mode.
"""

from __future__ import annotations

import torch

from ...physics.signal import residual_degrees_of_freedom
from ..voxelwise.candidates import Candidates, wrap
from ..voxelwise.neighbours import RINGS, Neighbours
from ..voxelwise.refinement import CONVERGED_SHARE, MainCandidate
from ..voxelwise.slice_input import Scan
from .mean_field import evidence_tempering, implausibility_nats
from .weights import FusionOptions

DISTANT_SHARE = 0.35
"""Fields that differ by more than this share of the distance to a swapped one are distant."""
CLEAR_NATS = 8.0
"""Evidence against every distant field on the grid, tempered like that of the fusion."""
PLAUSIBLE_NATS = 2.0
"""Highest cost of an implausible phase or R2*."""
GRID_SHARE = 0.99
"""The residual on the grid must be at least this share of that of the refined mode, which is then the deepest minimum."""
SMOOTH_SHARE = 0.2
"""Largest difference to the field of a neighbour, as a share of the distance to a swapped one."""
SMOOTH_RINGS = 3
"""Rings of neighbours that are compared; those of the outermost may belong to another tissue."""


def open_voxels(
    main: MainCandidate,
    n_echoes: int,
    noise_sd: torch.Tensor,
    scan: Scan,
    neighbours: Neighbours,
    options: FusionOptions,
) -> torch.Tensor:
    """Voxels whose mode is not beyond doubt.

    Parameters
    ----------
    main : MainCandidate
        Refined main mode of G_phi, and the residual profile.
    n_echoes : int
        Number of echoes; three leave no residual to judge by, and every voxel is open.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel by which evidence is weighed.
    scan : Scan
        Protocol.
    neighbours : Neighbours
        Neighbourhood of the voxels.
    options : FusionOptions
        Weights of the random field.

    Returns
    -------
    torch.Tensor, shape (n,), int64
        Indices of the open voxels, in order.
    """
    mode = main.candidate
    every = torch.arange(len(mode.field_hz), device=mode.field_hz.device)
    if residual_degrees_of_freedom(n_echoes) < 1:
        return every
    energy = mode.fit.residual_energy
    distant = wrap(main.grid_hz[:, None] - mode.field_hz, main.period_hz).abs() > DISTANT_SHARE * scan.swap_hz
    elsewhere = main.profile.masked_fill(~distant, float("inf")).amin(0)
    gap = (elsewhere - energy) / evidence_tempering(energy, noise_sd, n_echoes, options)
    alone = Candidates(mode.field_hz[None], mode.r2star_per_s[None], (mode.fit,), n_echoes, main.period_hz)
    clear = gap > CLEAR_NATS
    clear &= implausibility_nats(alone, noise_sd, options)[0] < PLAUSIBLE_NATS
    clear &= main.profile.amin(0) > GRID_SHARE * energy
    clear &= mode.fit.least_residual_energy > CONVERGED_SHARE * energy
    near = sum(2 * len(half) for _, half in RINGS[:SMOOTH_RINGS])
    index = neighbours.index[:, :near]
    around = torch.nn.functional.pad(mode.field_hz, (0, 1))[index]
    apart = wrap(around - mode.field_hz[:, None], main.period_hz).abs().masked_fill(~neighbours.exists[:, :near], 0.0)
    clear &= apart.amax(1) < SMOOTH_SHARE * scan.swap_hz
    return (~clear).nonzero()[:, 0]
