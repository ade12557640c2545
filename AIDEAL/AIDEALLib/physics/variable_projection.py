"""Everything a voxel's fit needs at one (phi, R2*), with water and fat projected out in closed form.

Write y = D^* s for the demodulated echoes and A = [1, c] exp(-R2* t). The best (W, F) solve a 2x2 system, and because
dm/dphi = i 2 pi t m and dm/dR2* = -t m differ by a factor i, the two nonlinear directions are orthogonal after projection:
with v = t m, r = y - m and P the projector off the columns of A,

    Gauss-Newton step   d phi = Im(v^H r) / (2 pi w),   d R2* = -Re(v^H r) / w,   w = |P v|^2,
    Cramer-Rao bound    var(phi) = sigma^2 / (4 pi^2 w),   var(R2*) = sigma^2 / w     (sigma per real channel).

All of it follows from 4 complex projections of y and 12 real sums of exp(-2 R2* t): two small real matrix products per call and
elementwise work on one number per voxel. Times are counted from the first echo, which changes neither phi, R2*, the
residual nor the fat fraction and keeps fast decays well conditioned.

Source: Golub and Pereyra, Inverse Problems 2003;19:R1 (variable projection, Kaufman's approximation); Reeder et al., Magn
Reson Med 2004;51:35 (IDEAL); the complex field map combining phi and R2* is of Yu et al., J Magn Reson Imaging 2007;26:1153.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch


@dataclass(frozen=True)
class EchoBasis:
    """The constants of a protocol, on one device.

    Attributes
    ----------
    te_s : (echo,) float32 echo times; `tau_s` : the same from the first echo on.
    modulation : (echo,) complex fat phasor.
    projections : (8, 2 echo) real; rows give Re, Im of sum_n conj(a_n) tau_n^j x_n for a in (1, c), j in (0, 1).
    gram : (12, echo) real; rows are (1, Re c, Im c, |c|^2) times tau^0, tau^1, tau^2.
    """

    te_s: torch.Tensor
    tau_s: torch.Tensor
    modulation: torch.Tensor
    projections: torch.Tensor
    gram: torch.Tensor

    @property
    def fastest_decay_per_s(self) -> float:
        """Largest R2* the echoes can tell: beyond 3.5 / spacing the second echo is below 3 % of the first."""
        return 3.5 / float(self.tau_s[1])

    @classmethod
    def of(cls, te_s: torch.Tensor, modulation: torch.Tensor, dtype: torch.dtype = torch.float32) -> EchoBasis:
        """Prepare the constants for echo times (echo,) in seconds and the fat phasor (echo,)."""
        tau = (te_s - te_s[0]).to(torch.float64)
        c = modulation.to(torch.complex128)
        one = torch.ones_like(tau)
        powers = (one, tau, tau * tau)
        gram = torch.stack([a * p for p in powers for a in (one, c.real, c.imag, c.abs() ** 2)])
        rows = []
        for p in powers[:2]:
            for a in (one.to(c.dtype), c):
                x = a.conj() * p
                rows += [torch.cat([x.real, -x.imag]), torch.cat([x.imag, x.real])]
        complex_dtype = torch.complex64 if dtype == torch.float32 else torch.complex128
        return cls(te_s.to(dtype), tau.to(dtype), c.to(complex_dtype), torch.stack(rows).to(dtype), gram.to(dtype))


@dataclass(frozen=True)
class LinearFit:
    """Water and fat at one (phi, R2*) and what follows from them; every entry has the shape of the voxels.

    Attributes
    ----------
    water, fat : complex amplitudes at the time of the first echo, demodulated.
    residual_energy : J, sum over echoes of |y - m|^2, not below 0.
    slope : complex v^H r (its imaginary part drives phi, its real part R2*).
    curvature : w = |P v|^2.
    sensitivity_water, sensitivity_fat : complex G^-1 A^H v; d(W, F)/dphi = -i 2 pi times it, d(W, F)/dR2* = it.
    gram_water, gram_fat : real diagonal, gram_cross : complex off-diagonal <1, c> of G = A^H A.
    """

    water: torch.Tensor
    fat: torch.Tensor
    residual_energy: torch.Tensor
    slope: torch.Tensor
    curvature: torch.Tensor
    sensitivity_water: torch.Tensor
    sensitivity_fat: torch.Tensor
    gram_water: torch.Tensor
    gram_fat: torch.Tensor
    gram_cross: torch.Tensor

    @property
    def least_residual_energy(self) -> torch.Tensor:
        """J at the minimum next to (phi, R2*), to second order: J - |v^H r|^2 / w, not below 0."""
        return (self.residual_energy - _abs2(self.slope) / self.curvature).clamp_min(0)

    def replaced(self, voxels: torch.Tensor, other: LinearFit) -> LinearFit:
        """The same fit with the entries `voxels` (numbers) taken from another, which has these alone."""
        return LinearFit(**{f.name: getattr(self, f.name).index_copy(0, voxels, getattr(other, f.name)) for f in fields(self)})

    def at(self, voxels: torch.Tensor) -> LinearFit:
        """The fit of some voxels (numbers or bool)."""
        return LinearFit(**{f.name: getattr(self, f.name)[voxels] for f in fields(self)})

    def settled(self, where: torch.Tensor) -> LinearFit:
        """The same fit with no step left to take at the voxels `where` (bool)."""
        return replace(self, slope=torch.where(where, torch.zeros_like(self.slope), self.slope))

    def gram_quadratic_inverse(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """(x, y)^H G^-1 (x, y), real, for complex x (water) and y (fat)."""
        determinant = self.gram_water * self.gram_fat - _abs2(self.gram_cross)
        cross = 2 * (x.conj() * self.gram_cross * y).real
        return (self.gram_fat * _abs2(x) + self.gram_water * _abs2(y) - cross) / determinant


@dataclass(frozen=True)
class SplitEchoes:
    """Echoes for several fits: parts that lie side by side in memory multiply far slower than apart.

    Attributes
    ----------
    real, imag : (echo, voxels). energy : (voxels,), sum of their squares over the echoes.
    """

    real: torch.Tensor
    imag: torch.Tensor
    energy: torch.Tensor

    @classmethod
    def of(cls, echoes: torch.Tensor | SplitEchoes) -> SplitEchoes:
        """Split complex echoes (echo, ...); those split already stay as they are."""
        if isinstance(echoes, SplitEchoes):
            return echoes
        flat = echoes.reshape(echoes.shape[0], -1)
        real, imag = flat.real.contiguous(), flat.imag.contiguous()
        return cls(real, imag, (real * real + imag * imag).sum(0))

    def at(self, voxels: torch.Tensor) -> SplitEchoes:
        """Those of some voxels (numbers)."""
        return SplitEchoes(self.real[:, voxels], self.imag[:, voxels], self.energy[voxels])


def fit(echoes: torch.Tensor | SplitEchoes, field_hz: torch.Tensor, r2star_per_s: torch.Tensor, basis: EchoBasis) -> LinearFit:
    """Least squares for water and fat at the given field and R2*.

    Parameters
    ----------
    echoes : complex (echo, ...), or split already.
    field_hz, r2star_per_s : real (...).
    basis : constants of the protocol.
    """
    voxels = field_hz.shape
    s = SplitEchoes.of(echoes)
    phi = field_hz.reshape(1, -1)
    r2 = r2star_per_s.reshape(1, -1)
    tau = basis.tau_s[:, None]
    decay = torch.exp(-r2 * tau)
    angle = (2 * torch.pi) * phi * tau
    cos, sin = torch.cos(angle) * decay, torch.sin(angle) * decay
    demodulated = torch.cat([s.real * cos + s.imag * sin, s.imag * cos - s.real * sin])
    projections = torch.view_as_complex((basis.projections @ demodulated).reshape(4, 2, -1).transpose(1, 2).contiguous())
    gram = (basis.gram @ (decay * decay)).reshape(3, 4, -1)
    return _solve(projections, gram, s.energy, voxels)


def _solve(projections: torch.Tensor, gram: torch.Tensor, energy: torch.Tensor, voxels: torch.Size) -> LinearFit:
    b_w, b_f, u_w, u_f = projections.unbind(0)
    ww, ff = gram[:, 0], gram[:, 3]
    wf = torch.complex(gram[:, 1], gram[:, 2])
    determinant = ww[0] * ff[0] - _abs2(wf[0])
    tiny = torch.finfo(energy.dtype).tiny  # keeps voxels without any signal finite
    inverse = 1.0 / determinant.clamp_min(tiny)

    def solve(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (ff[0] * x - wf[0] * y) * inverse, (ww[0] * y - wf[0].conj() * x) * inverse

    def times(order: int, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return ww[order] * x + wf[order] * y, wf[order].conj() * x + ff[order] * y

    water, fat = solve(b_w, b_f)
    explained = (water.conj() * b_w + fat.conj() * b_f).real
    v_w, v_f = times(1, water, fat)  # A^H v
    p_w, p_f = solve(v_w, v_f)
    vv_w, vv_f = times(2, water, fat)
    length = (water.conj() * vv_w + fat.conj() * vv_f).real  # |v|^2
    curvature = length - (p_w.conj() * v_w + p_f.conj() * v_f).real
    slope = water.conj() * (u_w - v_w) + fat.conj() * (u_f - v_f)
    curvature = curvature.clamp_min(1e-7 * length) + tiny
    values = (water, fat, (energy - explained).clamp_min(0), slope, curvature, p_w, p_f, ww[0], ff[0], wf[0])
    return LinearFit(*(x.reshape(voxels) for x in values))


def _abs2(x: torch.Tensor) -> torch.Tensor:
    return x.real * x.real + x.imag * x.imag
