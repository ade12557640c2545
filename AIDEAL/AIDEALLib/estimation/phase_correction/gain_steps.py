"""Scales of single echoes that differ from the rest: a change of receiver gain, or a rescale lost on export."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...echoes import EchoSeries
from ...physics.signal import synthesise
from ...physics.spectrum import FatSpectrum
from ..echo_noise import noise_scales
from ..voxelwise.bright_sample import best_fit, bright_sample
from .phase_errors import MIN_ECHOES

ROUNDS = 12
CONVERGED = 5e-4
"""Largest relative change of a scale that ends the search."""


@dataclass(frozen=True)
class EchoGains:
    """Scales of the echoes against the model.

    A scale that falls or rises evenly from echo to echo cannot be distinguished from R2*, and is not reported.

    Attributes
    ----------
    gains : tuple of float
        Scale of each echo, 1 for the typical one.
    improvement : float
        Factor by which dividing the scales out lowers the residual.
    """

    gains: tuple[float, ...]
    improvement: float


def find_gains(series: EchoSeries, spectrum: FatSpectrum) -> EchoGains | None:
    """Alternate between fits of a sample of voxels and the scale of each echo; None without signal.

    Three echoes leave no residual, but have their scales in the noise of air; None where it shows none.
    """
    if series.n_echoes < MIN_ECHOES:
        scales = noise_scales(series)
        return None if scales is None else EchoGains(tuple(scales.tolist()), 1.0)
    sample = bright_sample(series, spectrum)
    if sample is None:
        return None
    gains = torch.ones(series.n_echoes)
    before = after = None
    for _ in range(ROUNDS):
        scaled = replace(sample, echoes=sample.echoes / gains[:, None])
        field, r2star, linear = best_fit(scaled)
        after = linear.residual_energy.clamp_min(0)
        before = after if before is None else before
        weight = 1 / (after + after.median() + 1e-9)
        tau = scaled.te_s - scaled.te_s[0]
        model = synthesise(linear.water, linear.fat, field, r2star, tau.float(), sample.modulation)
        ratio = (weight * (model.conj() * scaled.echoes).real).sum(1) / (weight * model.abs().square()).sum(1)
        last = gains
        gains = gains * ratio.clamp(0.5, 2.0) ** 1.5  # the fit follows a wrong scale half way
        gains = _without_trend(gains, scaled.te_s.float())
        if float((gains / last - 1).abs().max()) < CONVERGED:
            break
    assert before is not None and after is not None
    floor = 1e-6
    improvement = torch.exp(0.5 * torch.log((before + floor) / (after + floor)).mean())
    return EchoGains(tuple(float(g) for g in gains / gains.median()), float(improvement))


def _without_trend(gains: torch.Tensor, te_s: torch.Tensor) -> torch.Tensor:
    """Gains less the straight line through their logarithms that most echoes follow (least absolute deviations, reweighted)."""
    logs = gains.clamp_min(1e-3).log()
    a = torch.stack([torch.ones_like(te_s), te_s / te_s[-1]], 1)
    weight = torch.ones_like(logs)
    line = torch.zeros_like(logs)
    for _ in range(20):
        w = weight[:, None]
        line = a @ torch.linalg.solve(a.T @ (w * a), a.T @ (weight * logs))
        weight = 1 / ((logs - line).abs() + 1e-3)
    return (logs - line).exp()
