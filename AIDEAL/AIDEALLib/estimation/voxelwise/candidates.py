"""Candidate modes of a voxel's field, each refined to its exact minimum before they are compared.

On a coarse grid quantisation hides the evidence; after refinement the right mode fits many times better than the swapped one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...physics.residual_profile import field_grid_hz, residual_profile
from ...physics.variable_projection import EchoBasis, LinearFit, SplitEchoes, fit
from .gauss_newton import gauss_newton

R2STAR_STARTS_PER_S = (30.0, 150.0, 500.0)
SAME_MINIMUM = 1.0 / 96
"""Candidates nearer to each other than this share of the period are at the same minimum."""
EXTRA_STEPS = 12
CONVERGED_SHARE = 0.95
"""A fit has converged when the residual expected after its next step is at least this share of the present one."""
OWN_FIELD_BINS = 48
OWN_FIELD_R2STAR_PER_S = (20.0, 100.0)
OWN_FIELD_DISTANCE = 2.0 / OWN_FIELD_BINS
"""A candidate within this share of the period of the voxel's own best field is at the same minimum."""


@dataclass(frozen=True)
class Candidates:
    """Refined candidates of all voxels.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (candidate, voxels), Hz
        Off-resonance, within one period.
    r2star_per_s : torch.Tensor, shape (candidate, voxels), 1/s
        R2*.
    fits : tuple of LinearFit
        Fit of each candidate at its field and R2*.
    n_echoes : int
        Number of echoes.
    period_hz : float, Hz
        Period of off-resonance.
    """

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fits: tuple[LinearFit, ...]
    n_echoes: int
    period_hz: float

    @property
    def residual_energy(self) -> torch.Tensor:
        """J of each candidate, (candidate, voxels)."""
        return torch.stack([f.residual_energy for f in self.fits])

    @property
    def curvature(self) -> torch.Tensor:
        """Curvature w of each candidate (see `variable_projection`), (candidate, voxels)."""
        return torch.stack([f.curvature for f in self.fits])

    @property
    def duplicates(self) -> torch.Tensor:
        """Candidates at the minimum of another one which fits no worse, bool (candidate, voxels)."""
        energy, same = self.residual_energy, torch.zeros_like(self.field_hz, dtype=torch.bool)
        for c in range(len(same)):
            for other in range(len(same)):
                near = wrap(self.field_hz[c] - self.field_hz[other], self.period_hz).abs() < SAME_MINIMUM * self.period_hz
                better = energy[other] <= energy[c] if other < c else energy[other] < energy[c]
                if other != c:
                    same[c] |= near & better
        return same

    def at(self, voxels: torch.Tensor) -> Candidates:
        """Candidates of some voxels (indices)."""
        fits = tuple(f.at(voxels) for f in self.fits)
        return replace(self, field_hz=self.field_hz[:, voxels], r2star_per_s=self.r2star_per_s[:, voxels], fits=fits)

    def field_variance(self, noise_sd: torch.Tensor) -> torch.Tensor:
        """Variance of a voxel's field due to noise, Hz^2, (voxels,): sigma^2 / (4 pi^2 w), see `variable_projection`.

        The minimum over its candidates, so that a poorly determined candidate does not lower the cost of its jumps.
        """
        return noise_sd**2 / (4 * torch.pi**2 * self.curvature.amax(0))


def wrap(hz: torch.Tensor, period_hz: float) -> torch.Tensor:
    """Value plus the number of periods that brings it within half a period of 0."""
    return hz - period_hz * torch.floor(hz / period_hz + 0.5)


def pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Values (candidate, voxels) of the candidate of index (voxels,), shape (voxels,)."""
    return values.gather(0, index[None])[0]


def largest(values: torch.Tensor) -> torch.Tensor:
    """Index of the largest of the values (candidate, voxels) of each voxel, (voxels,); ten times faster than `argmax`."""
    return values.max(0).indices


def search_r2star(
    echoes: torch.Tensor, field_hz: torch.Tensor, basis: EchoBasis, choices: tuple[float, ...] = R2STAR_STARTS_PER_S
) -> torch.Tensor:
    """R2*, among a few values, that explains most of the signal energy at a given field.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance.
    basis : EchoBasis
        Constants of the protocol.
    choices : tuple of float, 1/s
        Values to try.

    Returns
    -------
    torch.Tensor, shape (voxels,), 1/s
        Best value.
    """
    decay = torch.exp(-torch.tensor(choices, device=field_hz.device)[:, None] * basis.tau_s).to(basis.modulation.dtype)
    q, _ = torch.linalg.qr(torch.stack([decay, decay * basis.modulation], -1))  # (R, echo, 2)
    angle = (2 * torch.pi) * field_hz * basis.tau_s[:, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    demodulated = torch.cat([echoes.real * cos + echoes.imag * sin, echoes.imag * cos - echoes.real * sin])
    q = q.transpose(1, 2).conj().reshape(-1, decay.shape[1])  # (2 R, echo)
    real_rows = torch.cat([q.real, -q.imag], 1)
    imaginary_rows = torch.cat([q.imag, q.real], 1)
    explained = (real_rows @ demodulated) ** 2 + (imaginary_rows @ demodulated) ** 2
    best = largest(explained.reshape(len(choices), 2, -1).sum(1))
    return torch.tensor(choices, device=field_hz.device)[best]


def refined_candidates(
    echoes: torch.Tensor,
    field_hz: torch.Tensor,
    fat_shift_hz: float,
    period_hz: float,
    basis: EchoBasis,
    steps: int = 4,
) -> Candidates:
    """The main mode of G_phi and the two modes a fat shift away, refined to their minima.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Main mode of G_phi.
    fat_shift_hz : float, Hz
        Mean fat shift.
    period_hz : float, Hz
        Period of off-resonance.
    basis : EchoBasis
        Constants of the protocol.
    steps : int
        Gauss-Newton steps between two tests of convergence.

    Returns
    -------
    Candidates
        Three candidates a voxel.

    Notes
    -----
    Where the field jumps between voxels (skin, gas) the smooth distribution of G_phi may be near none of a voxel's minima:
    there the voxel's own best field on a grid replaces the candidate that fits worst.
    """
    refined = [_refined(echoes, field_hz + shift, period_hz, basis, steps) for shift in (0.0, fat_shift_hz, -fat_shift_hz)]
    own, least = _own_best_field(echoes, basis)
    near = wrap(torch.stack([c.field_hz for c in refined]) - own, period_hz).abs() < OWN_FIELD_DISTANCE * period_hz
    # A refined candidate at the same minimum is near it and fits no worse than the grid.
    covered = near & (torch.stack([c.fit.residual_energy for c in refined]) <= 1.01 * least)
    if not torch.all(covered.any(0)):
        voxels = (~covered.any(0)).nonzero()[:, 0]
        extra = _refined(echoes[:, voxels], own[voxels], period_hz, basis, steps)
        energies = torch.stack([c.fit.residual_energy[voxels] for c in refined])
        worst = largest(energies)
        better = extra.fit.residual_energy < energies.amax(0)
        for c in range(len(refined)):
            taken = better & (worst == c)
            refined[c] = refined[c].replaced(voxels[taken], extra.at(taken))
    return Candidates(
        torch.stack([c.field_hz for c in refined]),
        torch.stack([c.r2star_per_s for c in refined]),
        tuple(c.fit for c in refined),
        echoes.shape[0],
        period_hz,
    )


@dataclass(frozen=True)
class _Candidate:
    """One candidate of every voxel."""

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fit: LinearFit

    def at(self, voxels: torch.Tensor) -> _Candidate:
        return _Candidate(self.field_hz[voxels], self.r2star_per_s[voxels], self.fit.at(voxels))

    def replaced(self, voxels: torch.Tensor, other: _Candidate) -> _Candidate:
        field = self.field_hz.index_copy(0, voxels, other.field_hz)
        r2star = self.r2star_per_s.index_copy(0, voxels, other.r2star_per_s)
        return _Candidate(field, r2star, self.fit.replaced(voxels, other.fit))


def _refined(echoes: torch.Tensor, start_hz: torch.Tensor, period_hz: float, basis: EchoBasis, steps: int) -> _Candidate:
    first = _gauss_newton(echoes, start_hz, search_r2star(echoes, start_hz, basis), basis, steps)
    # From a distant start most steps are spent on the field, and R2* has not converged.
    converged = _until_converged(echoes, first, basis, steps, EXTRA_STEPS // steps)
    return replace(converged, field_hz=wrap(converged.field_hz, period_hz))


def _gauss_newton(
    echoes: torch.Tensor, field_hz: torch.Tensor, r2star_per_s: torch.Tensor, basis: EchoBasis, steps: int
) -> _Candidate:
    split = SplitEchoes.of(echoes)
    found = gauss_newton(split, field_hz, r2star_per_s, basis, steps)
    return _Candidate(found.field_hz, found.r2star_per_s, fit(split, found.field_hz, found.r2star_per_s, basis))


def _until_converged(echoes: torch.Tensor, start: _Candidate, basis: EchoBasis, steps: int, rounds: int) -> _Candidate:
    """Up to `rounds` further rounds of `steps` steps in the voxels that have not converged and still improve."""
    open_voxels = (start.fit.least_residual_energy < CONVERGED_SHARE * start.fit.residual_energy).nonzero()[:, 0]
    if not (rounds and open_voxels.numel()):
        return start
    after = _gauss_newton(echoes[:, open_voxels], start.field_hz[open_voxels], start.r2star_per_s[open_voxels], basis, steps)
    better = (after.fit.residual_energy < start.fit.residual_energy[open_voxels]).nonzero()[:, 0]
    improved = open_voxels[better]
    return start.replaced(improved, _until_converged(echoes[:, improved], after.at(better), basis, steps, rounds - 1))


def _own_best_field(echoes: torch.Tensor, basis: EchoBasis) -> tuple[torch.Tensor, torch.Tensor]:
    """Field of the smallest residual on a grid (Hz) of each voxel, and that residual energy; (voxels,) each."""
    te = basis.te_s.to(torch.float64)
    search = torch.tensor(OWN_FIELD_R2STAR_PER_S, dtype=torch.float64, device=te.device)
    profile = residual_profile(echoes[None], te, basis.modulation, OWN_FIELD_BINS, search, oversampling=1)[0]
    least, index = profile.min(0)
    return field_grid_hz(te, OWN_FIELD_BINS).to(profile.dtype)[index], least
