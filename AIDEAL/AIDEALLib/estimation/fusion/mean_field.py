"""Fusion: posterior of the mode from the exact evidence of the candidates, the network's distribution and a smooth field.

A Markov random field over the candidates of all foreground voxels, solved by a fixed number of damped mean-field sweeps.
Evidence alone swaps where it is weak (three echoes, iron), smoothness alone swaps whole regions; together they rarely do.

References
----------
Mean field: Wainwright and Jordan, Found Trends Mach Learn 2008;1:1, section 5.
"""

from __future__ import annotations

import torch

from ...physics.signal import residual_degrees_of_freedom
from ..voxelwise.candidates import Candidates, largest
from ..voxelwise.neighbours import Neighbours
from .mode_energy import ModeEnergy
from .regions import move_regions
from .smoothness import Smoothness
from .weights import FusionOptions, Weight

CONVERGED = 1e-3
"""Messages are updated only where a neighbour's probabilities have changed by more than this in the last sweep."""
WHOLE_SHARE = 0.5
"""Where that is more than this share of the voxels, updating all of them is no slower."""
DECAY_CAP = 8.0
TYPICAL_R2STAR_PER_S = 40.0
DECAY_WIDTH, FAT_DECAY_WIDTH = 1.2, 0.6
"""SD of the logarithm of R2* around it, and the same of fat above it: iron lies in water, and fat decays slowly."""
FAT_SHARES = (0.5, 0.9)
"""Fat fraction from which on the second begins to count, and from which on it counts alone."""
DUPLICATE_NATS = 30.0
"""Cost of a candidate at the minimum of another one, which would otherwise count twice."""
PHASE_SD = 0.15
"""SD of the imaginary part of F / (W + F) of tissue without noise: phases of water and fat differ a little."""
OUTSIDE_SD = 0.05
"""SD of its real part outside 0 to 1 without noise; phases less than a quarter turn apart keep it inside."""


def network_mass(q: torch.Tensor, field_hz: torch.Tensor, period_hz: float, reach: int = 2) -> torch.Tensor:
    """Probability that the network gives to the bins within `reach` of each candidate.

    Parameters
    ----------
    q : torch.Tensor, shape (K, voxels)
        Distribution of G_phi over the bins of one period.
    field_hz : torch.Tensor, shape (candidate, voxels), Hz
        Field of the candidates, within one period.
    period_hz : float, Hz
        Period of off-resonance.
    reach : int
        Bins to either side.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels)
        Probability, at least 1e-6.
    """
    bins = q.shape[0]
    index = torch.floor((field_hz / period_hz + 0.5) * bins).long()
    mass = torch.zeros_like(field_hz)
    for step in range(-reach, reach + 1):
        mass = mass + q.gather(0, (index + step).remainder(bins))
    return mass.clamp_min(1e-6)


def unary_nats(candidates: Candidates, mass: torch.Tensor, noise_sd: torch.Tensor, options: FusionOptions) -> torch.Tensor:
    """Cost of each candidate in its own voxel: evidence, plausibility and the network's distribution.

    Parameters
    ----------
    candidates : Candidates
        Refined candidates.
    mass : torch.Tensor, shape (candidate, voxels)
        Probability of the network, see `network_mass`.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    options : FusionOptions
        Weights.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels), nats
        Cost.
    """
    evidence = evidence_nats(candidates.residual_energy, noise_sd, candidates.n_echoes, options)
    cost = soft_cap(evidence + implausibility_nats(candidates, noise_sd, options), options.evidence_cap)
    trust = options.network_weight_three if candidates.n_echoes == 3 else options.network_weight
    return cost - trust * mass.log() + DUPLICATE_NATS * candidates.duplicates


def evidence_nats(residual_energy: torch.Tensor, noise_sd: torch.Tensor, n_echoes: int, options: FusionOptions) -> torch.Tensor:
    """Negative log-likelihood relative to the best candidate, tempered where even that fits worse than noise explains.

    Parameters
    ----------
    residual_energy : torch.Tensor, shape (candidate, voxels)
        J of each candidate.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    n_echoes : int
        Number of echoes.
    options : FusionOptions
        Weights.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels), nats
        (J - min J) / 2 sigma^2, weighted and tempered.

    Notes
    -----
    J / sigma^2 is chi-square distributed with the degrees of freedom of the residual. It is larger in a voxel with motion, flow
    or an artefact, where differences between candidates are less informative. Three echoes leave no degree of freedom: no
    tempering.
    """
    least = residual_energy.amin(0)
    return options.evidence_weight * (residual_energy - least) / evidence_tempering(least, noise_sd, n_echoes, options)


def evidence_tempering(least: torch.Tensor, noise_sd: torch.Tensor, n_echoes: int, options: FusionOptions) -> torch.Tensor:
    """Residual energy of one nat: 2 sigma^2, more where even the best fit leaves more than noise (see `evidence_nats`).

    Parameters
    ----------
    least : torch.Tensor, shape (voxels,)
        J of the best candidate.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    n_echoes : int
        Number of echoes.
    options : FusionOptions
        Weights.

    Returns
    -------
    torch.Tensor, shape (voxels,), or scalar for three echoes
        Energy.
    """
    tempered = 2 * noise_sd**2
    if n_echoes > 3:
        excess = (least / (noise_sd**2 * residual_degrees_of_freedom(n_echoes)) - 1).clamp_min(0)
        tempered = tempered * (1 + options.misfit * excess)
    return tempered


def soft_cap(nats: torch.Tensor, cap: Weight) -> torch.Tensor:
    """A cost that levels off at `cap`: -log(exp(-nats) + exp(-cap)), 0 at 0."""
    top = torch.as_tensor(cap, dtype=nats.dtype, device=nats.device)
    return torch.log1p(torch.exp(-top)) - torch.logaddexp(-nats, -top)


def implausibility_nats(candidates: Candidates, noise_sd: torch.Tensor, options: FusionOptions) -> torch.Tensor:
    """Weak prior of R2* and of the phase of fat against water.

    Parameters
    ----------
    candidates : Candidates
        Refined candidates.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    options : FusionOptions
        Weights.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels), nats
        Cost.

    Notes
    -----
    R2* of tissue is about log-normal around 40 1/s, over more than a decade in water and less in fat, since iron lies in water;
    water and fat have nearly a common phase at t = 0, so that F / (W + F) is real and between 0 and 1. The prior decides only
    where the echoes do not (three echoes always fit exactly; a liver with iron may fit nearly as well as fat).
    """
    r2star = candidates.r2star_per_s
    water = torch.stack([f.water for f in candidates.fits])
    fat = torch.stack([f.fat for f in candidates.fits])
    total = water + fat
    power = (total.abs() ** 2).clamp_min(1e-30)
    eta = fat * total.conj() / power
    fat_share = ((eta.real - FAT_SHARES[0]) / (FAT_SHARES[1] - FAT_SHARES[0])).clamp(0, 1)
    faster = torch.log(r2star.clamp_min(4.0) / TYPICAL_R2STAR_PER_S)
    width = DECAY_WIDTH + (FAT_DECAY_WIDTH - DECAY_WIDTH) * fat_share * (faster > 0)
    decay = 0.5 * (faster / width) ** 2 + 0.5 * (r2star.clamp_max(0.0) / 30.0) ** 2
    # d eta = ((1 - eta) dF - eta dW) / (W + F), at the field and R2* of the candidate
    spread = torch.stack([f.gram_quadratic_inverse(-x, 1 - x) for f, x in zip(candidates.fits, eta, strict=True)])
    outside = (-eta.real).clamp_min(0) ** 2 + (eta.real - 1).clamp_min(0) ** 2
    noise = noise_sd**2 * spread / power
    off = outside / (OUTSIDE_SD**2 + noise) + eta.imag**2 / (PHASE_SD**2 + noise)
    phase = (0.5 * off).clamp_max(torch.as_tensor(options.phase_cap, device=off.device))
    return options.decay_weight * decay.clamp_max(DECAY_CAP) + phase


def fuse(
    energy: ModeEnergy,
    options: FusionOptions,
    start: torch.Tensor | None = None,
    penalties: torch.Tensor | None = None,
) -> torch.Tensor:
    """Marginal probability of each candidate.

    Mean-field sweeps, then whole regions move where that lowers the energy (`regions`), then sweeps from there.

    Parameters
    ----------
    energy : ModeEnergy
        Energy of the candidates.
    options : FusionOptions
        Number and damping of the sweeps.
    start : torch.Tensor, shape (candidate, voxels), optional
        Initial probabilities; those of the unary costs when None.
    penalties : torch.Tensor, optional
        `energy.penalties()` where it is known already.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels)
        Probabilities.
    """
    if penalties is None:
        penalties = energy.penalties()
    q = mean_field(energy.unary, penalties, energy.smoothness, options, start, energy.free)
    before = largest(q)
    chosen = move_regions(before, energy)
    moved = chosen != before
    if not torch.any(moved):
        return q
    jumped = torch.where(moved, torch.nn.functional.one_hot(chosen, q.shape[0]).t().to(q), q)
    return mean_field(energy.unary, penalties, energy.smoothness, options, jumped, energy.free)


def mean_field(
    unary: torch.Tensor,
    penalties: torch.Tensor,
    smoothness: Smoothness,
    options: FusionOptions,
    start: torch.Tensor | None = None,
    free: torch.Tensor | None = None,
) -> torch.Tensor:
    """Damped mean-field sweeps.

    Every sweep moves every voxel towards the probabilities that its neighbours imply; these are updated only where a neighbour
    still changes.

    Parameters
    ----------
    unary : torch.Tensor, shape (candidate, voxels), nats
        Cost of each candidate in its own voxel.
    penalties : torch.Tensor, shape (free voxels, candidate, offset * candidate), nats
        Pair costs, see `Smoothness.penalties`.
    smoothness : Smoothness
        Pair cost, for its neighbourhood.
    options : FusionOptions
        Number and damping of the sweeps.
    start : torch.Tensor, shape (candidate, voxels), optional
        Initial probabilities; those of the unary costs when None.
    free : torch.Tensor, shape (free voxels,), int64, optional
        Indices, in order, of the voxels that are updated; all when None.

    Returns
    -------
    torch.Tensor, shape (candidate, voxels)
        Probabilities.
    """
    neighbours = smoothness.neighbours
    q = torch.softmax(-unary, 0) if start is None else start
    if free is None:
        free = torch.arange(q.shape[1], device=q.device)
    index, own = neighbours.index[free], unary[:, free]
    before, now = q, q[:, free]
    target = now
    for sweep in range(options.sweeps):
        rows = _active_rows(q, before, neighbours, free) if sweep else None
        if rows is None:
            target = torch.softmax(-own - _message(q, penalties, index), 0)
        elif rows.numel():
            message = _message(q, penalties[rows], index[rows])
            target = target.index_copy(1, rows, torch.softmax(-own[:, rows] - message, 0))
        now = options.damping * now + (1 - options.damping) * target
        before, q = q, q.index_copy(1, free, now)
    return q


def _active_rows(q: torch.Tensor, before: torch.Tensor, neighbours: Neighbours, free: torch.Tensor) -> torch.Tensor | None:
    """Positions in `free` of the voxels with a neighbour that has not converged, None for all."""
    moved = ((q - before).detach().abs().amax(0) > CONVERGED).nonzero()[:, 0]
    rows = neighbours.near(moved)[free].nonzero()[:, 0]
    return rows if rows.numel() <= WHOLE_SHARE * free.numel() else None


def _message(q: torch.Tensor, penalties: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Expected pair cost of each candidate with the neighbours `index` (some voxels, offset), (candidate, some voxels)."""
    padded = torch.nn.functional.pad(q, (0, 1)).t().contiguous()  # the last row stands for "no neighbour"
    around = padded.index_select(0, index.reshape(-1)).reshape(len(index), -1, 1)
    return torch.bmm(penalties, around)[:, :, 0].t()
