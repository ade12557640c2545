"""Method `magnitude`: water, fat and R2* from magnitudes alone, voxel by voxel, for scans without a usable phase.

Both solutions are fitted, the one with more water and the one with more fat, by maximum likelihood under Rician noise (so the
noise floor of late echoes is no slow decay), each with the standard deviation of its Fisher information. Their likelihoods give
the probability that the other one is right, which is reported as the swap probability. Neighbouring voxels mostly are on the
same side, so the choice (and nothing else) depends on them: a Potts prior, solved by mean-field sweeps. Off-resonance stays
unknown.

Source: Triay Bagur et al., Magn Reson Med 2019;82:460 (both solutions); the Rician likelihood and its use for the choice: here.
"""

from __future__ import annotations

import torch

from ...physics.magnitude_signal import (
    MagnitudeModel,
    magnitude_covariance,
    magnitude_model,
    rician_information,
    rician_log_likelihood,
    rician_mean,
    rician_score,
)
from ..voxelwise.mode import Mode, Solution, mixture_variance, select
from ..voxelwise.noise import chi_square_median, noise_from_differences
from ..voxelwise.slice_input import Scan, SliceEchoes
from .context import MethodContext

WATER_SIDE, FAT_SIDE = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5), (0.68, 0.76, 0.84, 0.92, 1.0)
"""Fat fractions to start from: between the two lies the fraction at which water and fat cancel best."""
R2STAR_STARTS_PER_S = (2.0, 15.0, 30.0, 45.0, 65.0, 90.0, 130.0, 190.0, 270.0, 390.0, 560.0, 800.0, 1200.0)
STEPS, MORE_STEPS = 18, 5
"""From a start, and from a solution once the noise is known better."""
LONGEST_STEP = 0.06
"""Of the fat fraction: a longer one could jump from the neighbourhood of one solution into that of the other."""
LEAST_FRACTION, LARGEST_FRACTION = -0.2, 1.2
"""PDFF stays signed: noise may put it below 0 or above 100 %."""
LOWEST_R2STAR_PER_S = -100.0
CLEAR_OF_FLOOR = 3.0
"""The noise is estimated from voxels whose echoes are all this many sigma high: their errors are Gaussian."""
ENOUGH_VOXELS = 50
NEIGHBOUR_NATS, SWEEPS, MOST_NATS = 0.45, 20, 30.0
"""A neighbour on the same side counts this many nats, so that the stated probability of the other solution is near how often it
is right (at 0.3 it is a third above, at 0.6 half of that at SNR 8); a voxel's own evidence counts no more than the last."""
SAME_POINTS = 1.0
"""Two solutions closer than this (PDFF points) are one."""


def magnitude_fit(given: SliceEchoes, context: MethodContext) -> Solution:
    """Fit both solutions of every voxel and report the likelier one, with neighbours mostly on the same side.

    The phase of the echoes is not used. Off-resonance is 0, with the variance of a field that is unknown within its period.
    """
    with context.watch("magnitude fit"):
        noise = noise_from_differences(given.echoes * given.mask)
        return fit_magnitudes(given.voxels.real, given.scan, noise, given.mask)


def fit_magnitudes(
    magnitudes: torch.Tensor, scan: Scan, rough_noise: torch.Tensor, mask: torch.Tensor | None = None
) -> Solution:
    """Fit both solutions of every voxel and report the likelier one.

    Parameters
    ----------
    magnitudes : torch.Tensor, shape (echo, voxels), real
        Magnitudes, not negative.
    scan : Scan
        The protocol.
    rough_noise : torch.Tensor, scalar
        Noise per real channel from spatial differences.
    mask : torch.Tensor, shape (row, column), bool, optional
        Where the voxels lie; None judges every voxel by itself.

    Returns
    -------
    Solution
        With off-resonance 0 and the variance of a field that is unknown within its period. The noise is that of the residual
        where there are more than three echoes and enough voxels stand clear of the noise floor.
    """
    x = magnitudes.to(torch.float64)
    size = x.square().mean(0).sqrt().clamp_min(1e-30)
    floor = 1e-6 * size.median()
    noise = torch.maximum(rough_noise.to(torch.float64), floor)
    fits = [_fit(x, _start(x, scan, side), scan, noise, STEPS) for side in (WATER_SIDE, FAT_SIDE)]
    if x.shape[0] > 3:
        found = _noise_of_residual(x, fits, scan, noise)
        if found is not None:
            noise = torch.maximum(found, floor)
            fits = [_fit(x, theta, scan, noise, MORE_STEPS) for theta in fits]
    modes, likelihoods = zip(*(_mode(x, theta, scan, noise) for theta in fits), strict=True)
    odds = likelihoods[0] - likelihoods[1]
    water_side = torch.sigmoid(odds if mask is None else _with_neighbours(odds, mask))
    posterior = torch.stack([water_side, 1 - water_side])
    chosen = posterior.argmax(0)
    best = select(list(modes), chosen)
    apart = (modes[0].pdff - modes[1].pdff).abs() > SAME_POINTS
    swap = torch.where(apart, 1 - posterior.amax(0), 0.0)
    return Solution(best, swap, mixture_variance(best, list(modes), posterior), noise)


def _with_neighbours(log_odds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Log-odds (voxels,) with the mean field of the eight neighbours added, diagonal ones at 1 / sqrt 2."""
    own = torch.zeros(mask.shape, dtype=log_odds.dtype, device=log_odds.device)
    own[mask] = log_odds.clamp(-MOST_NATS, MOST_NATS)
    diagonal = 0.5**0.5
    weights = own.new_tensor([[diagonal, 1, diagonal], [1, 0, 1], [diagonal, 1, diagonal]])[None, None] * NEIGHBOUR_NATS
    total = own
    for _ in range(SWEEPS):
        side = torch.tanh(total / 2) * mask  # mean of +1 (water) and -1 (fat)
        field = torch.nn.functional.conv2d(side[None, None], weights, padding=1)[0, 0]
        total = 0.5 * total + 0.5 * (own + field)
    return total[mask]


def _start(x: torch.Tensor, scan: Scan, fractions: tuple[float, ...]) -> torch.Tensor:
    """(S, f, R2*) of the best of a few curves, (3, voxels)."""
    grid = torch.cartesian_prod(
        torch.tensor(fractions, dtype=torch.float64, device=x.device),
        torch.tensor(R2STAR_STARTS_PER_S, dtype=torch.float64, device=x.device),
    )
    curves = _model(torch.stack([torch.ones_like(grid[:, 0]), grid[:, 0], grid[:, 1]]), scan).values.T
    lengths = curves.norm(dim=1)
    match, best = ((curves / lengths[:, None]) @ x).max(0)
    return torch.stack([match / lengths[best], grid[best, 0], grid[best, 1]])


def _fit(x: torch.Tensor, theta: torch.Tensor, scan: Scan, noise: torch.Tensor, steps: int) -> torch.Tensor:
    """Maximise the likelihood from a start: Fisher scoring, damped voxel by voxel (Levenberg-Marquardt)."""
    highest = 2 * scan.basis.fastest_decay_per_s
    model = _model(theta, scan)
    likelihood = rician_log_likelihood(x, model.values, noise).sum(0)
    damping = torch.full_like(likelihood, 1e-3)
    for _ in range(steps):
        weight = rician_information(model.values / noise).clamp_min(0.05)  # a floor: echoes below the noise still restrain
        gradient = torch.einsum("anv,nv->va", model.jacobian, rician_score(x, model.values, noise))
        information = torch.einsum("anv,nv,bnv->vab", model.jacobian, weight, model.jacobian)
        scale = information.diagonal(dim1=1, dim2=2).clamp_min(1e-60).rsqrt()
        scaled = information * scale[:, :, None] * scale[:, None, :]
        scaled = scaled + torch.diag_embed((damping + 1e-12)[:, None].expand(-1, 3))
        step = (scale * torch.linalg.solve(scaled, scale * gradient)).T
        trial = theta + step * (LONGEST_STEP / step[1].abs().clamp_min(LONGEST_STEP))
        trial = torch.stack(
            [
                trial[0].clamp_min(0),
                trial[1].clamp(LEAST_FRACTION, LARGEST_FRACTION),
                trial[2].clamp(LOWEST_R2STAR_PER_S, highest),
            ]
        )
        at_trial = _model(trial, scan)
        value = rician_log_likelihood(x, at_trial.values, noise).sum(0)
        better = value >= likelihood
        theta = torch.where(better, trial, theta)
        likelihood = torch.where(better, value, likelihood)
        damping = torch.where(better, damping / 5, damping * 8).clamp(1e-9, 1e6)
        model = _model(theta, scan)
    return theta


def _mode(x: torch.Tensor, theta: torch.Tensor, scan: Scan, noise: torch.Tensor) -> tuple[Mode, torch.Tensor]:
    """A solution as the other methods give it, and its log-likelihood."""
    total, fraction, r2star = theta
    model = _model(theta, scan)
    covariance = magnitude_covariance(model, noise)
    residual = (x - rician_mean(model.values, noise)).square().sum(0)
    zero = torch.zeros_like(total)
    mode = Mode(
        torch.complex(total * (1 - fraction), zero),
        torch.complex(total * fraction, zero),
        100 * fraction,
        1e4 * covariance[:, 1, 1],
        zero,
        torch.full_like(total, scan.period_hz**2 / 12),
        r2star,
        covariance[:, 2, 2],
        residual,
    )
    return mode, rician_log_likelihood(x, model.values, noise).sum(0)


def _noise_of_residual(x: torch.Tensor, fits: list[torch.Tensor], scan: Scan, noise: torch.Tensor) -> torch.Tensor | None:
    models = [_model(theta, scan).values for theta in fits]
    energies = torch.stack([(x - rician_mean(m, noise)).square().sum(0) for m in models])
    likelihoods = torch.stack([rician_log_likelihood(x, m, noise).sum(0) for m in models])
    typical = (torch.softmax(likelihoods, 0) * energies).sum(0)  # the lesser of two residuals would be too low
    clear = (x > CLEAR_OF_FLOOR * noise).all(0)
    if int(clear.sum()) < ENOUGH_VOXELS:
        return None
    return torch.sqrt(typical[clear].median() / chi_square_median(x.shape[0] - 3))


def _model(theta: torch.Tensor, scan: Scan) -> MagnitudeModel:
    """At (S, f, R2*) along axis 0; S is the amplitude at the first echo."""
    modulation = scan.spectrum.modulation(scan.te_s, scan.field_strength_t)
    return magnitude_model(theta[0], theta[1], theta[2], scan.basis.tau_s.to(theta.dtype), modulation)
