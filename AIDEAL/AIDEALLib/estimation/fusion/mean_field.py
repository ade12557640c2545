"""Fusion: exact evidence of each voxel's candidates, the network's belief and a smooth field give the posterior of the mode.

A Markov random field over the candidates of all foreground voxels, solved by a fixed number of damped mean-field sweeps.
Evidence alone swaps where it is weak (three echoes, iron), smoothness alone swaps whole regions; together they rarely do.
"""

from __future__ import annotations

import torch

from ...physics.signal import residual_degrees_of_freedom
from ..voxelwise.candidates import Candidates, largest
from ..voxelwise.neighbours import Neighbours
from .regions import move_regions
from .smoothness import Smoothness
from .weights import FusionOptions, Weight

SETTLED = 1e-3
"""Messages are computed anew only where a neighbour's probabilities have just moved by more than this."""
WHOLE_SHARE = 0.5
"""Where that is more than this share of the voxels, computing all of them is no slower."""
DECAY_CAP = 8.0
DUPLICATE_NATS = 30.0
"""Cost of a candidate at the minimum of another one, which would count twice."""
PHASE_SD = 0.15
"""How far F / (W + F) of tissue may lie off the real axis, phases of water and fat differing a little."""
OUTSIDE_SD = 0.05
"""How far its real part may lie outside 0 to 1 without noise: phases less than a quarter turn apart never take it there."""


def network_mass(q: torch.Tensor, field_hz: torch.Tensor, period_hz: float, reach: int = 2) -> torch.Tensor:
    """Probability the network gives to the bins within `reach` of each candidate.

    Parameters
    ----------
    q : (K, voxels); field_hz : (candidate, voxels), wrapped.

    Returns
    -------
    (candidate, voxels), at least 1e-6.
    """
    bins = q.shape[0]
    index = torch.floor((field_hz / period_hz + 0.5) * bins).long()
    mass = torch.zeros_like(field_hz)
    for step in range(-reach, reach + 1):
        mass = mass + q.gather(0, (index + step).remainder(bins))
    return mass.clamp_min(1e-6)


def unary_nats(candidates: Candidates, mass: torch.Tensor, noise_sd: torch.Tensor, options: FusionOptions) -> torch.Tensor:
    """Cost of each candidate in its own voxel, (candidate, voxels): evidence, plausibility, the network's belief."""
    evidence = evidence_nats(candidates.residual_energy, noise_sd, candidates.n_echoes, options)
    cost = soft_cap(evidence + implausibility_nats(candidates, noise_sd, options), options.evidence_cap)
    trust = options.network_weight_three if candidates.n_echoes == 3 else options.network_weight
    return cost - trust * mass.log() + DUPLICATE_NATS * candidates.duplicates


def evidence_nats(residual_energy: torch.Tensor, noise_sd: torch.Tensor, n_echoes: int, options: FusionOptions) -> torch.Tensor:
    """(J - least J) / 2 sigma^2, tempered where even the least J exceeds what noise explains; (candidate, voxels).

    J / sigma^2 of a fit is chi-square with 2 N - 6 degrees of freedom. A voxel with motion, flow or an artefact has more: its
    echoes do not follow the model, and what one candidate fits better than another says less. Three echoes leave no degree
    of freedom, and nothing to temper by.
    """
    least = residual_energy.amin(0)
    tempered = 2 * noise_sd**2
    if n_echoes > 3:
        excess = (least / (noise_sd**2 * residual_degrees_of_freedom(n_echoes)) - 1).clamp_min(0)
        tempered = tempered * (1 + options.misfit * excess)
    return options.evidence_weight * (residual_energy - least) / tempered


def soft_cap(nats: torch.Tensor, cap: Weight) -> torch.Tensor:
    """A cost that levels off at `cap`: -log(exp(-nats) + exp(-cap)), 0 at 0."""
    top = torch.as_tensor(cap, dtype=nats.dtype, device=nats.device)
    return torch.log1p(torch.exp(-top)) - torch.logaddexp(-nats, -top)


def implausibility_nats(candidates: Candidates, noise_sd: torch.Tensor, options: FusionOptions) -> torch.Tensor:
    """Weak prior of a candidate's own numbers, (candidate, voxels).

    R2* of tissue is about log-normal around 40 1/s over more than a decade; water and fat have nearly a common phase at t
    = 0, so that F / (W + F) is real and between 0 and 1. It decides only where the echoes do not (three echoes always fit
    exactly).
    """
    r2star = candidates.r2star_per_s
    decay = 0.5 * (torch.log(r2star.clamp_min(4.0) / 40.0) / 1.2) ** 2 + 0.5 * (r2star.clamp_max(0.0) / 30.0) ** 2
    water = torch.stack([f.water for f in candidates.fits])
    fat = torch.stack([f.fat for f in candidates.fits])
    total = water + fat
    power = (total.abs() ** 2).clamp_min(1e-30)
    eta = fat * total.conj() / power
    # d eta = ((1 - eta) dF - eta dW) / (W + F), at the field and R2* of the candidate
    spread = torch.stack([at.gram_quadratic_inverse(-x, 1 - x) for at, x in zip(candidates.fits, eta, strict=True)])
    outside = (-eta.real).clamp_min(0) ** 2 + (eta.real - 1).clamp_min(0) ** 2
    off = outside / (OUTSIDE_SD**2 + noise_sd**2 * spread / power) + eta.imag**2 / PHASE_SD**2
    phase = (0.5 * off).clamp_max(torch.as_tensor(options.phase_cap, device=off.device))
    return options.decay_weight * decay.clamp_max(DECAY_CAP) + phase


def fuse(
    unary: torch.Tensor,
    field_hz: torch.Tensor,
    variance_hz2: torch.Tensor,
    smoothness: Smoothness,
    period_hz: float,
    fat_shift_hz: float,
    options: FusionOptions,
    start: torch.Tensor | None = None,
    penalties: torch.Tensor | None = None,
) -> torch.Tensor:
    """Marginal probability of each candidate, (candidate, voxels).

    Damped mean-field sweeps, then whole regions move where that lowers the energy (`regions`), then sweeps from there.

    Parameters
    ----------
    unary, field_hz : (candidate, voxels), voxels in the order of the neighbourhood in `smoothness`.
    variance_hz2 : of the noise in a voxel's field, (voxels,).
    start : probabilities to start from, (candidate, voxels); the voxels' own costs when None.
    penalties : of `smoothness`, where they are known.
    """
    if penalties is None:
        penalties = smoothness.penalties(field_hz, variance_hz2, period_hz)
    q = mean_field(unary, penalties, smoothness, options, start)
    settled = largest(q)
    chosen = move_regions(settled, unary, field_hz, variance_hz2, smoothness, period_hz, fat_shift_hz)
    moved = chosen != settled
    if not torch.any(moved):
        return q
    jumped = torch.where(moved, torch.nn.functional.one_hot(chosen, q.shape[0]).t().to(q), q)
    return mean_field(unary, penalties, smoothness, options, jumped)


def mean_field(
    unary: torch.Tensor,
    penalties: torch.Tensor,
    smoothness: Smoothness,
    options: FusionOptions,
    start: torch.Tensor | None = None,
) -> torch.Tensor:
    """Damped mean-field sweeps, (candidate, voxels).

    Every sweep takes every voxel a step towards the probabilities that its neighbours' ask for, but what they ask for is
    computed again only where a neighbour still moves: at fewer and fewer voxels, and at few when a start was near its end.

    Parameters
    ----------
    unary : (candidate, voxels); penalties : of `smoothness`; start : (candidate, voxels), the voxels' own costs when None.
    """
    index = smoothness.neighbours.index
    q = torch.softmax(-unary, 0) if start is None else start
    before, target = q, q
    for sweep in range(options.sweeps):
        active = _to_ask(q, before, smoothness.neighbours) if sweep else None
        if active is None:
            target = torch.softmax(-unary - _message(q, penalties, index), 0)
        elif active.numel():
            message = _message(q, penalties[active], index[active])
            target = target.index_copy(1, active, torch.softmax(-unary[:, active] - message, 0))
        before, q = q, options.damping * q + (1 - options.damping) * target
    return q


def _to_ask(q: torch.Tensor, before: torch.Tensor, neighbours: Neighbours) -> torch.Tensor | None:
    """Numbers of the voxels one of whose neighbours has moved, None for all."""
    moved = ((q - before).detach().abs().amax(0) > SETTLED).nonzero()[:, 0]
    active = neighbours.dilated(moved)
    return active if active.numel() <= WHOLE_SHARE * q.shape[1] else None


def _message(q: torch.Tensor, penalties: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """What the neighbours `index` (some voxels, offset) make each candidate cost, (candidate, some voxels)."""
    padded = torch.nn.functional.pad(q, (0, 1)).t().contiguous()  # the last row stands for "no neighbour"
    around = padded.index_select(0, index.reshape(-1)).reshape(len(index), -1, 1)
    return torch.bmm(penalties, around)[:, :, 0].t()
