"""The three unsupervised stages: A (G_phi), B (G_R2*), C (G_phi again, with R2* from G_R2*)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ..estimation.voxelwise.candidates import search_r2star
from ..estimation.voxelwise.gauss_newton import gauss_newton
from ..physics.residual_profile import field_grid_hz, field_period_hz, residual_profile
from ..physics.spectrum import SIX_PEAK
from ..physics.variable_projection import EchoBasis
from ..simulation.random_slices import EchoBatch
from .losses import NEIGHBOURS, circular_penalty, evidence_loss, gaussian_nats, line_penalty, rician_nats, soft_cap
from .networks import FieldNetwork, R2StarNetwork, circular_moments, r2star_profile

LIKELIHOOD_R2STAR_PER_S = (8.0, 25.0, 45.0, 80.0, 150.0, 300.0, 600.0, 1000.0)
LIKELIHOOD_CAP_NATS = 40.0
FIELD_SCALE_HZ = 12.0
DISTANCES = sorted({float(r * r + c * c) ** 0.5 for r, c, _ in NEIGHBOURS})


@dataclass(frozen=True)
class BatchQuantities:
    """Quantities of a batch that the stages share.

    Attributes
    ----------
    total : torch.Tensor, shape (batch, 1, row, column)
        |s|^2.
    foreground : torch.Tensor, shape (batch, row, column)
        1 where the strongest echo exceeds five noise SDs, else 0.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c_n.
    shift_turns : torch.Tensor, scalar
        Mean fat shift as a fraction of the period.
    """

    total: torch.Tensor
    foreground: torch.Tensor
    modulation: torch.Tensor
    shift_turns: torch.Tensor


def prepare(batch: EchoBatch) -> BatchQuantities:
    """Quantities of a batch that the stages share."""
    power = batch.echoes.real**2 + batch.echoes.imag**2
    total = power.sum(1, keepdim=True)
    total = total + 1e-12 * total.amax() + 1e-30
    foreground = (power.amax(1) > (5 * batch.noise_sd[:, None, None]) ** 2).float()
    modulation = SIX_PEAK.modulation(batch.te_s, batch.field_strength_t)
    shift = torch.angle((modulation[1:] * modulation[:-1].conj()).sum()) / (2 * torch.pi)
    return BatchQuantities(total, foreground, modulation, shift)


def field_logits(
    network: FieldNetwork, batch: EchoBatch, prepared: BatchQuantities, logits: Callable[..., torch.Tensor] | None = None
) -> torch.Tensor:
    """Logits of G_phi, without gradient through the residual profile.

    Parameters
    ----------
    network : FieldNetwork
        G_phi.
    batch : EchoBatch
        Echoes.
    prepared : BatchQuantities
        Their shared quantities.
    logits : callable, optional
        Computes the logits; `network.logits` when None. The training loop passes the same, wrapped for several processes or
        mixed precision.

    Returns
    -------
    torch.Tensor, shape (batch, K, row, column)
    """
    with torch.no_grad():
        search = network.r2star_search.double()
        energy = residual_profile(batch.echoes, batch.te_s, prepared.modulation, network.bins, search, network.fields_in_a_bin)
    return (logits or network.logits)(energy, prepared.total, batch.echoes.shape[1], prepared.shift_turns)


def field_loss(
    network: FieldNetwork,
    batch: EchoBatch,
    inverse_temperature: float,
    smoothness: float,
    r2star: torch.Tensor | None = None,
    logits: Callable[..., torch.Tensor] | None = None,
) -> torch.Tensor:
    """Loss of stages A and C: negative evidence lower bound of the complex echoes.

    Parameters
    ----------
    network : FieldNetwork
        G_phi.
    batch : EchoBatch
        Echoes.
    inverse_temperature : float
        Annealing, see `evidence_loss`.
    smoothness : float
        Weight of the smoothness.
    r2star : torch.Tensor, shape (batch, row, column), 1/s, optional
        R2* from G_R2*, for stage C. Stage A takes the best of a few values for each field bin; stage C adds this one.
    logits : callable, optional
        As in `field_logits`.

    Returns
    -------
    torch.Tensor, scalar, nats
    """
    prepared = prepare(batch)
    n = batch.echoes.shape[1]
    with torch.no_grad():
        candidates = torch.tensor(LIKELIHOOD_R2STAR_PER_S, dtype=torch.float64, device=batch.te_s.device)
        energy = residual_profile(batch.echoes, batch.te_s, prepared.modulation, network.bins, candidates, oversampling=3)
        if r2star is not None:
            energy = torch.minimum(energy, profile_at_r2star(batch, prepared.modulation, network.bins, r2star))
        nats = soft_cap(gaussian_nats(energy, prepared.total, batch.noise_sd, n), LIKELIHOOD_CAP_NATS)
        bin_hz = float(field_period_hz(batch.te_s)) / network.bins
        penalties = {d: circular_penalty(network.bins, bin_hz, max(FIELD_SCALE_HZ * d, 0.6 * bin_hz)) for d in DISTANCES}
    log_q = torch.log_softmax(field_logits(network, batch, prepared, logits), 1)
    return evidence_loss(log_q, nats, prepared.foreground, penalties, smoothness, inverse_temperature)


def profile_at_r2star(
    batch: EchoBatch, modulation: torch.Tensor, bins: int, r2star: torch.Tensor, oversampling: int = 3
) -> torch.Tensor:
    """Residual energy over the field bins at each voxel's own R2*.

    Parameters
    ----------
    batch : EchoBatch
        Echoes.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c_n.
    bins : int
        Field bins.
    r2star : torch.Tensor, shape (batch, row, column), 1/s
        R2* of each voxel.
    oversampling : int
        Field values in each bin, of which the least energy is taken.

    Returns
    -------
    torch.Tensor, shape (batch, bins, row, column)

    Notes
    -----
    Closed form: |s|^2 less the energy explained by least-squares water and fat, from the 2 x 2 normal equations.
    """
    tau = (batch.te_s - batch.te_s[0]).float()
    grid = field_grid_hz(batch.te_s, bins * oversampling)
    decay = torch.exp(-r2star[:, None] * tau[:, None, None])
    weighted = (batch.echoes * decay).flatten(2)
    c = modulation.to(torch.complex64)
    phase = -2 * torch.pi * grid[:, None] * tau.double()
    rotation = torch.polar(torch.ones_like(phase), phase).to(torch.complex64)
    b_w, b_f = rotation @ weighted, (rotation * c.conj()) @ weighted
    d2 = (decay * decay).flatten(2)
    ww, ff = d2.sum(1, keepdim=True), (c.abs() ** 2) @ d2
    wf = (torch.complex(c.real @ d2, c.imag @ d2)).unsqueeze(1)
    ff = ff.unsqueeze(1)
    determinant = (ww * ff - wf.abs() ** 2).clamp_min(1e-12)
    explained = (ff * b_w.abs() ** 2 + ww * b_f.abs() ** 2 - 2 * (b_w.conj() * wf * b_f).real) / determinant
    total = (batch.echoes.abs() ** 2).sum(1, keepdim=True).flatten(2)
    energy = (total - explained).clamp_min(0)
    shape = [batch.echoes.shape[0], bins, oversampling, *r2star.shape[1:]]
    return energy.reshape(shape).amin(2)


@torch.no_grad()
def field_of(network: FieldNetwork, batch: EchoBatch) -> torch.Tensor:
    """Off-resonance from G_phi, refined by one Gauss-Newton step: the input of stage B.

    Parameters
    ----------
    network : FieldNetwork
        G_phi.
    batch : EchoBatch
        Echoes.

    Returns
    -------
    torch.Tensor, shape (batch, row, column), Hz
    """
    prepared = prepare(batch)
    q = torch.softmax(field_logits(network, batch, prepared), 1)
    mean, _ = circular_moments(q, field_grid_hz(batch.te_s, network.bins), field_period_hz(batch.te_s))
    basis = EchoBasis.of(batch.te_s, prepared.modulation)
    voxels, start = batch.echoes.movedim(1, 0).flatten(1), mean.flatten()
    return gauss_newton(voxels, start, search_r2star(voxels, start, basis), basis, steps=1).field_hz.reshape(mean.shape)


def r2star_loss(
    network: R2StarNetwork,
    batch: EchoBatch,
    field_hz: torch.Tensor,
    smoothness: float,
    logits: Callable[..., torch.Tensor] | None = None,
) -> torch.Tensor:
    """Loss of stage B: negative Rician evidence lower bound of the magnitudes.

    Parameters
    ----------
    network : R2StarNetwork
        G_R2*.
    batch : EchoBatch
        Echoes.
    field_hz : torch.Tensor, shape (batch, row, column)
        Off-resonance.
    smoothness : float
        Weight of the smoothness.
    logits : callable, optional
        As in `field_logits`.

    Returns
    -------
    torch.Tensor, scalar, nats
    """
    prepared = prepare(batch)
    n = batch.echoes.shape[1]
    with torch.no_grad():
        energy = r2star_profile(batch.echoes, field_hz, batch.te_s, prepared.modulation, network.grid_per_s)
        model = _magnitudes(batch, prepared.modulation, field_hz, network.grid_per_s.float())
        misfit = 0.02**2 * prepared.total / (2 * n)
        sigma = torch.sqrt(batch.noise_sd[:, None, None, None] ** 2 + misfit).unsqueeze(1)
        nats = rician_nats(batch.echoes.abs().unsqueeze(1), model, sigma)
        nats = soft_cap(nats - nats.amin(1, keepdim=True), LIKELIHOOD_CAP_NATS)
        scale = torch.log1p(network.grid_per_s.float() / 20.0)
        penalties = {d: line_penalty(scale, 0.3 * d) for d in DISTANCES}
    found = (logits or network.logits)(energy, prepared.total, n, batch.te_s[-1] - batch.te_s[0])
    return evidence_loss(torch.log_softmax(found, 1), nats, prepared.foreground, penalties, smoothness)


def _magnitudes(batch: EchoBatch, modulation: torch.Tensor, field_hz: torch.Tensor, grid_per_s: torch.Tensor) -> torch.Tensor:
    """Model magnitudes (batch, R, echo, H, W): least-squares water and fat at each R2* of the grid."""
    tau = (batch.te_s - batch.te_s[0]).float()
    c = modulation.to(torch.complex64)
    angle = -2 * torch.pi * field_hz[:, None] * tau[:, None, None]
    demodulated = (batch.echoes * torch.polar(torch.ones_like(angle), angle)).flatten(2)
    decay = torch.exp(-grid_per_s[:, None] * tau).to(torch.complex64)  # (R, N)
    basis = torch.stack([decay, decay * c], -1)  # (R, N, 2)
    projector = basis @ torch.linalg.pinv(basis)  # (R, N, N)
    model = torch.einsum("rnm,bmv->brnv", projector, demodulated).abs()
    return model.reshape(*model.shape[:3], *field_hz.shape[1:])
