"""Method `graph-cuts`, the reference: field map by iterated graph cuts without networks, then the shared refinement.

Water and fat are projected out (VARPRO), R2* is searched over a few values, and the field minimises data misfit plus quadratic
smoothness (`field_energy`).

References
----------
Hernando, Kellman, Haldar, Liang, Magn Reson Med 2010;63:79.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...physics.residual_profile import field_grid_hz, profile_without_interpreter
from ...physics.variable_projection import LinearFit, fit
from ..timing import Stopwatch
from ..voxelwise.candidates import search_r2star, wrap
from ..voxelwise.gauss_newton import NonlinearParameters, gauss_newton
from ..voxelwise.mode import Solution, mixture_variance, mode_from_fit
from ..voxelwise.slice_input import Scan, SliceEchoes
from .field_energy import FieldEnergy, Labels, Profile
from .field_moves import FINE_STEPS, Jumps, local_minima


@dataclass(frozen=True)
class GraphCutOptions:
    """Settings of the discrete search.

    Attributes
    ----------
    bins : int
        Bins of the field over one period.
    r2star_per_s : tuple of float, 1/s
        Values searched in each bin.
    smoothness : float
        Weight of squared field differences, in units of the curvature of the data at their minimum (the usual 0.05 for each
        order of a pair).
    extra : float
        Share of the mean curvature added everywhere.
    deepest_share : float
        Local minima in this lowest share of a voxel's range of J are targets of jumps.
    rounds : int
        Maximal number of passes over all moves.
    tolerance : float
        Relative decrease of the energy in a pass below which the passes end.
    refinement_steps : int
        Gauss-Newton steps from the bin.
    """

    bins: int = 128
    r2star_per_s: tuple[float, ...] = (10.0, 40.0, 100.0, 250.0, 600.0)
    smoothness: float = 0.1
    extra: float = 0.05
    deepest_share: float = 0.3
    rounds: int = 12
    tolerance: float = 1e-3
    refinement_steps: int = 4


def graph_cuts(given: SliceEchoes, watch: Stopwatch, options: GraphCutOptions) -> Solution:
    """Field by graph cuts, refined; the modes a fat shift away are compared with it by their evidence alone.

    Parameters
    ----------
    given : SliceEchoes
        The slice.
    watch : Stopwatch
        Sums the time of each stage.
    options : GraphCutOptions
        Settings of the discrete search.

    Returns
    -------
    Solution
        For the voxels of the mask.
    """
    scan, echoes, mask, voxels = given.scan, given.echoes, given.mask, given.voxels
    with watch("graph cuts"):
        r2star = torch.tensor(options.r2star_per_s, dtype=torch.float64, device=echoes.device)
        protocol = scan.te_s, scan.basis.modulation
        profile = profile_without_interpreter(echoes[None], *protocol, options.bins, r2star, oversampling=1)[0]
        labels = smooth_field(
            profile.cpu().numpy(), mask.cpu().numpy(), options.bins * abs(scan.fat_shift_hz) / scan.period_hz, options
        )
        grid = field_grid_hz(scan.te_s, options.bins).to(profile.dtype)
        field = grid[torch.from_numpy(labels % options.bins).to(grid.device)][mask]
    with watch("refinement"):
        shifts = (0.0, scan.fat_shift_hz, -scan.fat_shift_hz)
        refined = [_refine(voxels, field + shift, scan, options.refinement_steps) for shift in shifts]
        energy = torch.stack([linear_fit.residual_energy for _, linear_fit in refined])
        noise = given.noise(energy[0])
    with watch("least squares"):
        modes = [mode_from_fit(linear_fit, point.field_hz, point.r2star_per_s, noise) for point, linear_fit in refined]
        fields = torch.stack([point.field_hz for point, _ in refined])
        probability = mode_probability(energy, fields, given.evidence_noise(noise), scan)
        return Solution(modes[0], 1 - probability[0], mixture_variance(modes[0], modes, probability), noise)


def mode_probability(energy: torch.Tensor, fields_hz: torch.Tensor, noise_sd: torch.Tensor, scan: Scan) -> torch.Tensor:
    """Probability of each mode by the likelihood of its minimum.

    Parameters
    ----------
    energy : torch.Tensor, shape (mode, voxels)
        Residual energy J of each refined mode, the chosen one first.
    fields_hz : torch.Tensor, shape (mode, voxels), Hz
        Field of each refined mode.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel, not 0: `SliceEchoes.evidence_noise`.
    scan : Scan
        Protocol.

    Returns
    -------
    torch.Tensor, shape (mode, voxels)
        Probabilities, summing to 1; 0 for modes within a quarter of the fat shift of the first, which are the same.

    Notes
    -----
    Independent of the neighbours, so that a region swapped as a whole is visible; single voxels of low signal are then more
    uncertain than under the smooth field.
    """
    same = wrap(fields_hz - fields_hz[0], scan.period_hz).abs() < abs(scan.fat_shift_hz) / 4
    same[0] = False
    nats = (energy / (2 * noise_sd**2)).masked_fill(same, float("inf"))
    return torch.softmax(-nats, 0)


def smooth_field(residual: Profile, mask: npt.NDArray[np.bool_], fat_shift_bins: float, options: GraphCutOptions) -> Labels:
    """Field of lowest energy that the moves reach from a flat field.

    Parameters
    ----------
    residual : ndarray, shape (K, row, column)
        Residual energy J.
    mask : ndarray, shape (row, column), bool
        Voxels with signal; only these jump to their minima.
    fat_shift_bins : float, bins
        Mean fat shift.
    options : GraphCutOptions
        Settings.

    Returns
    -------
    ndarray, shape (row, column), bins
        Field.
    """
    bins, rows, columns = residual.shape
    energy = FieldEnergy.of(residual, options.smoothness, options.extra)
    shift = round(fat_shift_bins) % bins
    jumps = Jumps.of(local_minima(energy.residual, mask.ravel(), options.deepest_share), max(2, round(fat_shift_bins / 4)))

    def jump(labels: Labels) -> Labels:
        for otherwise, upwards in itertools.product((shift, bins - shift), (True, False)):
            labels = energy.best_move(labels, jumps.step(labels, upwards, otherwise))
        return labels

    def jump_and_step(labels: Labels) -> Labels:
        labels = jump(labels)
        # A whole period does not change J; it can only lower the smoothness cost of jumps by more than half a period.
        periods = (bins, -bins) if energy.largest_jump(labels) > bins / 2 else ()
        for distance in (*periods, *FINE_STEPS):
            labels = energy.best_move(labels, np.full_like(labels, distance))
        return labels

    labels = np.full(rows * columns, bins // 2, np.int64)
    for one_pass in (jump, jump_and_step):  # fine steps before every voxel is near its minimum would trap it at the wrong one
        for _ in range(options.rounds):
            before = energy.value(labels)
            labels = one_pass(labels)
            if before - energy.value(labels) <= options.tolerance * before:
                break
    return labels.reshape(rows, columns)


def _refine(echoes: torch.Tensor, field_hz: torch.Tensor, scan: Scan, steps: int) -> tuple[NonlinearParameters, LinearFit]:
    start = search_r2star(echoes, field_hz, scan.basis)
    refined = gauss_newton(echoes, field_hz, start, scan.basis, steps)
    return refined, fit(echoes, refined.field_hz, refined.r2star_per_s, scan.basis)
