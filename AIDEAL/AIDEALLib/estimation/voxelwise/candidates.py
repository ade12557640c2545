"""Candidates: the modes a voxel's field may be in, each refined to its exact minimum before any two are compared.

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
"""Candidates nearer to each other than this share of the period have come to the same minimum."""
MORE_STEPS = 12
ON_THE_WAY = 0.95
"""A fit whose next step would take more than the rest of its residual is not at its minimum."""
OWN_FIELD_BINS = 48
OWN_FIELD_R2STAR_PER_S = (20.0, 100.0)
OWN_FIELD_DISTANCE = 2.0 / OWN_FIELD_BINS
"""A voxel's own best field is the minimum of a candidate that lies within this share of the period."""


@dataclass(frozen=True)
class Candidates:
    """Refined candidates, axis 0 the candidate: field (Hz, within one period), R2* (1/s), the fit at them.

    `n_echoes` : number of echoes; `period_hz` : period of off-resonance.
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
        """Candidates that came to the minimum of another one which fits no worse, bool (candidate, voxels)."""
        energy, same = self.residual_energy, torch.zeros_like(self.field_hz, dtype=torch.bool)
        for c in range(len(same)):
            for other in range(len(same)):
                near = wrap(self.field_hz[c] - self.field_hz[other], self.period_hz).abs() < SAME_MINIMUM * self.period_hz
                better = energy[other] <= energy[c] if other < c else energy[other] < energy[c]
                if other != c:
                    same[c] |= near & better
        return same

    def at(self, voxels: torch.Tensor) -> Candidates:
        """Those of some voxels (numbers)."""
        fits = tuple(f.at(voxels) for f in self.fits)
        return replace(self, field_hz=self.field_hz[:, voxels], r2star_per_s=self.r2star_per_s[:, voxels], fits=fits)

    def field_variance(self, noise_sd: torch.Tensor) -> torch.Tensor:
        """Of the noise in a voxel's field (Hz^2), (voxels,): sigma^2 / (4 pi^2 w), see `variable_projection`.

        The least of its candidates: one that is badly determined shall not be the smoother for it.
        """
        return noise_sd**2 / (4 * torch.pi**2 * self.curvature.amax(0))


def wrap(hz: torch.Tensor, period_hz: float) -> torch.Tensor:
    """Value within half a period of 0."""
    return hz - period_hz * torch.floor(hz / period_hz + 0.5)


def pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Values (candidate, voxels) of the candidate of that index, (voxels,) each."""
    return values.gather(0, index[None])[0]


def largest(values: torch.Tensor) -> torch.Tensor:
    """Index of the largest of the values (candidate, voxels) of each voxel, (voxels,); ten times as fast as `argmax`."""
    return values.max(0).indices


def search_r2star(
    echoes: torch.Tensor, field_hz: torch.Tensor, basis: EchoBasis, choices: tuple[float, ...] = R2STAR_STARTS_PER_S
) -> torch.Tensor:
    """The R2* among a few that explains most of the signal at a given field.

    Parameters
    ----------
    echoes : complex (echo, voxels); field_hz : (voxels,).
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
    """The field itself and its two neighbours a fat shift away, refined to their minima.

    Where the field jumps between voxels (skin, gas) the smooth belief of G_phi may be near none of a voxel's minima: there
    the voxel's own best field takes the place of the candidate that fits worst.

    Parameters
    ----------
    echoes : complex (echo, voxels); field_hz : (voxels,) main mode of G_phi.
    fat_shift_hz : mean fat shift; period_hz : period of off-resonance.
    """
    refined = [_refined(echoes, field_hz + shift, period_hz, basis, steps) for shift in (0.0, fat_shift_hz, -fat_shift_hz)]
    fields = torch.stack([c.field_hz for c in refined])
    decays = torch.stack([c.r2star_per_s for c in refined])
    fits = [c.fit for c in refined]
    own, least = _own_best_field(echoes, basis)
    # A refined candidate at the same minimum is near it and fits no worse than the grid does.
    near = wrap(fields - own, period_hz).abs() < OWN_FIELD_DISTANCE * period_hz
    covered = near & (torch.stack([f.residual_energy for f in fits]) <= 1.01 * least)
    if not torch.all(covered.any(0)):
        voxels = (~covered.any(0)).nonzero()[:, 0]
        extra = _refined(echoes[:, voxels], own[voxels], period_hz, basis, steps)
        energies = torch.stack([f.residual_energy[voxels] for f in fits])
        worst = largest(energies)
        better = extra.fit.residual_energy < energies.amax(0)
        for c in range(len(fits)):
            here = better & (worst == c)
            fields[c, voxels[here]] = extra.field_hz[here]
            decays[c, voxels[here]] = extra.r2star_per_s[here]
            fits[c] = fits[c].replaced(voxels[here], extra.fit.at(here))
    return Candidates(fields, decays, tuple(fits), echoes.shape[0], period_hz)


@dataclass(frozen=True)
class _Refined:
    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fit: LinearFit

    def at(self, voxels: torch.Tensor) -> _Refined:
        return _Refined(self.field_hz[voxels], self.r2star_per_s[voxels], self.fit.at(voxels))

    def replaced(self, voxels: torch.Tensor, other: _Refined) -> _Refined:
        field = self.field_hz.index_copy(0, voxels, other.field_hz)
        r2star = self.r2star_per_s.index_copy(0, voxels, other.r2star_per_s)
        return _Refined(field, r2star, self.fit.replaced(voxels, other.fit))


def _refined(echoes: torch.Tensor, start_hz: torch.Tensor, period_hz: float, basis: EchoBasis, steps: int) -> _Refined:
    first = _from(echoes, start_hz, search_r2star(echoes, start_hz, basis), basis, steps)
    # From a start far off, most steps go to the field and R2* is left behind.
    at = _further(echoes, first, basis, steps, MORE_STEPS // steps)
    return replace(at, field_hz=wrap(at.field_hz, period_hz))


def _from(echoes: torch.Tensor, field_hz: torch.Tensor, r2star_per_s: torch.Tensor, basis: EchoBasis, steps: int) -> _Refined:
    split = SplitEchoes.of(echoes)
    at = gauss_newton(split, field_hz, r2star_per_s, basis, steps)
    return _Refined(at.field_hz, at.r2star_per_s, fit(split, at.field_hz, at.r2star_per_s, basis))


def _further(echoes: torch.Tensor, at: _Refined, basis: EchoBasis, steps: int, times: int) -> _Refined:
    """Up to `times` further goes of `steps` steps for the voxels on their way, and as long as those help."""
    on = (at.fit.least_residual_energy < ON_THE_WAY * at.fit.residual_energy).nonzero()[:, 0]
    if not (times and on.numel()):
        return at
    after = _from(echoes[:, on], at.field_hz[on], at.r2star_per_s[on], basis, steps)
    better = (after.fit.residual_energy < at.fit.residual_energy[on]).nonzero()[:, 0]
    moved = on[better]
    last = _further(echoes[:, moved], after.at(better), basis, steps, times - 1)
    return at.replaced(moved, last)


def _own_best_field(echoes: torch.Tensor, basis: EchoBasis) -> tuple[torch.Tensor, torch.Tensor]:
    """Field of the least residual on a grid (Hz), voxel by voxel, and that residual energy; (voxels,) each."""
    te = basis.te_s.to(torch.float64)
    search = torch.tensor(OWN_FIELD_R2STAR_PER_S, dtype=torch.float64, device=te.device)
    profile = residual_profile(echoes[None], te, basis.modulation, OWN_FIELD_BINS, search, oversampling=1)[0]
    least, index = profile.min(0)
    return field_grid_hz(te, OWN_FIELD_BINS).to(profile.dtype)[index], least
