"""Refinement of the candidate modes of a voxel's field, each to its exact minimum before they are compared.

On a coarse grid quantisation hides the evidence; after refinement the right mode fits many times better than the swapped one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...physics.residual_profile import field_grid_hz, profile_without_interpreter
from ...physics.variable_projection import EchoBasis, LinearFit, SplitEchoes, fit
from .candidates import Candidates, largest, search_r2star, wrap
from .gauss_newton import gauss_newton

EXTRA_STEPS = 12
CONVERGED_SHARE = 0.95
"""A fit has converged when the residual expected after its next step is at least this share of the present one."""
OWN_FIELD_BINS = 48
OWN_FIELD_R2STAR_PER_S = (20.0, 100.0, 400.0)
"""Up to that of iron: without it the right mode of such a voxel seems to fit badly, and the wrong one to be beyond doubt."""
OWN_FIELD_DISTANCE = 2.0 / OWN_FIELD_BINS
"""A candidate within this share of the period of the voxel's own best field is at the same minimum."""


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
    """
    main = main_candidate(echoes, field_hz, period_hz, basis, steps)
    every = torch.arange(len(field_hz), device=field_hz.device)
    return with_other_candidates(main, every, echoes, fat_shift_hz, basis, steps)


@dataclass(frozen=True)
class Candidate:
    """One candidate of every voxel.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance, within one period.
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        R2*.
    fit : LinearFit
        Fit at this field and R2*.
    """

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fit: LinearFit

    def at(self, voxels: torch.Tensor) -> Candidate:
        """Candidate of some voxels (indices or bool)."""
        return Candidate(self.field_hz[voxels], self.r2star_per_s[voxels], self.fit.at(voxels))

    def replaced(self, voxels: torch.Tensor, other: Candidate) -> Candidate:
        """Copy with that of `voxels` (indices) taken from `other`, whose voxels are exactly these."""
        field = self.field_hz.index_copy(0, voxels, other.field_hz)
        r2star = self.r2star_per_s.index_copy(0, voxels, other.r2star_per_s)
        return Candidate(field, r2star, self.fit.replaced(voxels, other.fit))


@dataclass(frozen=True)
class MainCandidate:
    """The main mode of G_phi, refined, and what the voxel's own echoes say of every field.

    Attributes
    ----------
    candidate : Candidate
        The refined mode.
    profile : torch.Tensor, shape (OWN_FIELD_BINS, voxels)
        Residual energy over a grid of off-resonance.
    grid_hz : torch.Tensor, shape (OWN_FIELD_BINS,), Hz
        The grid, over one period.
    period_hz : float, Hz
        Period of off-resonance.
    """

    candidate: Candidate
    profile: torch.Tensor
    grid_hz: torch.Tensor
    period_hz: float

    @property
    def least_residual_energy(self) -> torch.Tensor:
        """Least residual energy of the refined mode and of the grid, (voxels,)."""
        return torch.minimum(self.candidate.fit.residual_energy, self.profile.amin(0))


def main_candidate(
    echoes: torch.Tensor, field_hz: torch.Tensor, period_hz: float, basis: EchoBasis, steps: int = 4
) -> MainCandidate:
    """Refine the main mode of G_phi, and compute the residual profile of each voxel.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Main mode of G_phi.
    period_hz : float, Hz
        Period of off-resonance.
    basis : EchoBasis
        Constants of the protocol.
    steps : int
        Gauss-Newton steps between two tests of convergence.

    Returns
    -------
    MainCandidate
        Refined mode and profile.
    """
    te = basis.te_s.to(torch.float64)
    search = torch.tensor(OWN_FIELD_R2STAR_PER_S, dtype=torch.float64, device=te.device)
    profile = profile_without_interpreter(echoes[None], te, basis.modulation, OWN_FIELD_BINS, search, oversampling=1)[0]
    grid_hz = field_grid_hz(te, OWN_FIELD_BINS).to(profile.dtype)
    return MainCandidate(_refined(echoes, field_hz, period_hz, basis, steps), profile, grid_hz, period_hz)


def with_other_candidates(
    main: MainCandidate, voxels: torch.Tensor, echoes: torch.Tensor, fat_shift_hz: float, basis: EchoBasis, steps: int = 4
) -> Candidates:
    """Add the two modes a fat shift away in some voxels, refined to their minima.

    Parameters
    ----------
    main : MainCandidate
        Main mode of all voxels.
    voxels : torch.Tensor, shape (n,), int64
        Indices of the voxels whose other modes are refined; all candidates of the rest are the main one.
    echoes : torch.Tensor, shape (echo, all voxels), complex
        Echoes.
    fat_shift_hz : float, Hz
        Mean fat shift.
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
    own_echoes, first, period_hz = echoes[:, voxels], main.candidate.at(voxels), main.period_hz
    shifted = [first.field_hz + shift for shift in (fat_shift_hz, -fat_shift_hz)]
    refined = [first, *(_refined(own_echoes, start, period_hz, basis, steps) for start in shifted)]
    least, index = main.profile[:, voxels].min(0)
    own = main.grid_hz[index]
    near = wrap(torch.stack([c.field_hz for c in refined]) - own, period_hz).abs() < OWN_FIELD_DISTANCE * period_hz
    # A refined candidate at the same minimum is near it and fits no worse than the grid.
    covered = near & (torch.stack([c.fit.residual_energy for c in refined]) <= 1.01 * least)
    lacking = (~covered.any(0)).nonzero()[:, 0]
    if lacking.numel():
        extra = _refined(own_echoes[:, lacking], own[lacking], period_hz, basis, steps)
        energies = torch.stack([c.fit.residual_energy[lacking] for c in refined])
        worst = largest(energies)
        better = extra.fit.residual_energy < energies.amax(0)
        for c in range(len(refined)):
            taken = better & (worst == c)
            refined[c] = refined[c].replaced(lacking[taken], extra.at(taken))
    every = [main.candidate.replaced(voxels, c) for c in refined]
    return Candidates(
        torch.stack([c.field_hz for c in every]),
        torch.stack([c.r2star_per_s for c in every]),
        tuple(c.fit for c in every),
        echoes.shape[0],
        period_hz,
    )


def _refined(echoes: torch.Tensor, start_hz: torch.Tensor, period_hz: float, basis: EchoBasis, steps: int) -> Candidate:
    first = _gauss_newton(echoes, start_hz, search_r2star(echoes, start_hz, basis), basis, steps)
    # From a distant start most steps are spent on the field, and R2* has not converged.
    converged = _until_converged(echoes, first, basis, steps, EXTRA_STEPS // steps)
    return replace(converged, field_hz=wrap(converged.field_hz, period_hz))


def _gauss_newton(
    echoes: torch.Tensor, field_hz: torch.Tensor, r2star_per_s: torch.Tensor, basis: EchoBasis, steps: int
) -> Candidate:
    split = SplitEchoes.of(echoes)
    found = gauss_newton(split, field_hz, r2star_per_s, basis, steps)
    return Candidate(found.field_hz, found.r2star_per_s, fit(split, found.field_hz, found.r2star_per_s, basis))


def _until_converged(echoes: torch.Tensor, start: Candidate, basis: EchoBasis, steps: int, rounds: int) -> Candidate:
    """Up to `rounds` further rounds of `steps` steps in the voxels that have not converged and still improve."""
    open_voxels = (start.fit.least_residual_energy < CONVERGED_SHARE * start.fit.residual_energy).nonzero()[:, 0]
    if not (rounds and open_voxels.numel()):
        return start
    after = _gauss_newton(echoes[:, open_voxels], start.field_hz[open_voxels], start.r2star_per_s[open_voxels], basis, steps)
    better = (after.fit.residual_energy < start.fit.residual_energy[open_voxels]).nonzero()[:, 0]
    improved = open_voxels[better]
    return start.replaced(improved, _until_converged(echoes[:, improved], after.at(better), basis, steps, rounds - 1))
