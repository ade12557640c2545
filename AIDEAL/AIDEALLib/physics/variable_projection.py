"""Linear fit of water and fat at one (phi, R2*), with the derivatives of its residual: variable projection in closed form.

Write y = D^* s for the demodulated echoes and A = [1, c] exp(-R2* t). The best (W, F) solve a 2x2 system, and because
dm/dphi = i 2 pi t m and dm/dR2* = -t m differ by a factor i, the two nonlinear directions are orthogonal after projection:
with v = t m, r = y - m and P the projector off the columns of A,

    Gauss-Newton step   d phi = Im(v^H r) / (2 pi w),   d R2* = -Re(v^H r) / w,   w = |P v|^2,
    Cramer-Rao bound    var(phi) = sigma^2 / (4 pi^2 w),   var(R2*) = sigma^2 / w     (sigma per real channel).

These follow from 4 complex projections of y and 12 real sums of exp(-2 R2* t): two small real matrix products per call and
elementwise arithmetic. Times are counted from the first echo, which changes neither phi, R2*, the residual nor the fat
fraction and keeps fast decays well conditioned.

References
----------
Golub and Pereyra, Inverse Problems 2003;19:R1 (variable projection, Kaufman's approximation).
Reeder et al., Magn Reson Med 2004;51:35 (IDEAL).
Yu et al., J Magn Reson Imaging 2007;26:1153 (complex field map of phi and R2*).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .closed_form_fit import fitted_without_interpreter
from .per_voxel import PerVoxel


@dataclass(frozen=True)
class EchoBasis:
    """Constants of a protocol, on one device and of one precision.

    Attributes
    ----------
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    tau_s : torch.Tensor, shape (echo,), seconds
        Echo times from the first echo on.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c.
    projections : torch.Tensor, shape (8, 2 echo)
        Rows give Re, Im of sum_n conj(a_n) tau_n^j x_n for a in (1, c), j in (0, 1).
    gram : torch.Tensor, shape (12, echo)
        Rows are (1, Re c, Im c, |c|^2) times tau^0, tau^1, tau^2.
    """

    te_s: torch.Tensor
    tau_s: torch.Tensor
    modulation: torch.Tensor
    projections: torch.Tensor
    gram: torch.Tensor

    @property
    def tensors(self) -> list[torch.Tensor]:
        """Times, projections and Gram rows."""
        return [self.tau_s, self.projections, self.gram]

    @property
    def fastest_decay_per_s(self) -> float:
        """Largest R2* that the echoes determine: beyond 3.5 / spacing the second echo is below 3 % of the first."""
        return 3.5 / float(self.tau_s[1])

    @classmethod
    def of(cls, te_s: torch.Tensor, modulation: torch.Tensor, dtype: torch.dtype = torch.float32) -> EchoBasis:
        """Compute the constants.

        Parameters
        ----------
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        modulation : torch.Tensor, shape (echo,), complex
            Fat phasor.
        dtype : torch.dtype
            Real precision of the constants.

        Returns
        -------
        EchoBasis
            Constants on the device of `te_s`.
        """
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
class LinearFit(PerVoxel):
    """Least-squares fit of water and fat at one (phi, R2*) with its derivatives; notation of the module.

    Attributes
    ----------
    water : torch.Tensor, shape (...), complex
        Water amplitude at the first echo, demodulated.
    fat : torch.Tensor, shape (...), complex
        Fat amplitude at the first echo, demodulated.
    residual_energy : torch.Tensor, shape (...)
        J, sum over echoes of |y - m|^2, not below 0.
    slope : torch.Tensor, shape (...), complex
        v^H r; the gradient of J is -4 pi Im(slope) along phi and 2 Re(slope) along R2*.
    curvature : torch.Tensor, shape (...)
        w = |P v|^2.
    sensitivity_water : torch.Tensor, shape (...), complex
        Water entry x of G^-1 A^H v: dW/dphi = -i 2 pi x, dW/dR2* = x.
    sensitivity_fat : torch.Tensor, shape (...), complex
        The same of fat.
    gram_water : torch.Tensor, shape (...)
        First diagonal entry of G = A^H A.
    gram_fat : torch.Tensor, shape (...)
        Second diagonal entry of G.
    gram_cross : torch.Tensor, shape (...), complex
        Off-diagonal entry <1, c> of G.
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

    def with_zero_slope(self, where: torch.Tensor) -> LinearFit:
        """Copy with the slope set to 0 at the voxels `where` (bool): no further Gauss-Newton step follows from it there."""
        return replace(self, slope=torch.where(where, torch.zeros_like(self.slope), self.slope))

    def gram_quadratic_inverse(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """(x, y)^H G^-1 (x, y), real, for complex x (water) and y (fat)."""
        determinant = self.gram_water * self.gram_fat - _abs2(self.gram_cross)
        cross = 2 * (x.conj() * self.gram_cross * y).real
        return (self.gram_fat * _abs2(x) + self.gram_water * _abs2(y) - cross) / determinant


@dataclass(frozen=True)
class SplitEchoes:
    """Echoes split for repeated fits: interleaved real and imaginary parts multiply far slower than separate ones.

    Attributes
    ----------
    real : torch.Tensor, shape (echo, voxels)
        Real parts.
    imag : torch.Tensor, shape (echo, voxels)
        Imaginary parts.
    energy : torch.Tensor, shape (voxels,)
        Sum of |s|^2 over the echoes.
    """

    real: torch.Tensor
    imag: torch.Tensor
    energy: torch.Tensor

    @classmethod
    def of(cls, echoes: torch.Tensor | SplitEchoes) -> SplitEchoes:
        """Split complex echoes (echo, ...); split echoes are returned unchanged."""
        if isinstance(echoes, SplitEchoes):
            return echoes
        flat = echoes.reshape(echoes.shape[0], -1)
        real, imag = flat.real.contiguous(), flat.imag.contiguous()
        return cls(real, imag, (real * real + imag * imag).sum(0))

    @property
    def tensors(self) -> list[torch.Tensor]:
        """Real parts, imaginary parts, energy."""
        return [self.real, self.imag, self.energy]

    def at(self, voxels: torch.Tensor) -> SplitEchoes:
        """Echoes of some voxels (indices)."""
        return SplitEchoes(self.real[:, voxels], self.imag[:, voxels], self.energy[voxels])


def fit(
    echoes: torch.Tensor | SplitEchoes,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    basis: EchoBasis,
    loss: torch.Tensor | None = None,
) -> LinearFit:
    """Least squares for water and fat at the given field and R2*.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, ...), complex, or SplitEchoes
        Echoes.
    field_hz : torch.Tensor, shape (...), Hz
        Off-resonance phi.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate.
    basis : EchoBasis
        Constants of the protocol.
    loss : torch.Tensor, shape (echo, voxels), optional
        Known real factor of the signal at each echo; none when None.

    Returns
    -------
    LinearFit
        Fit with entries of shape (...).
    """
    voxels, split = field_hz.shape, SplitEchoes.of(echoes)
    found = fitted_without_interpreter(field_hz.reshape(-1), r2star_per_s.reshape(-1), split.tensors, basis.tensors, loss)
    w_r, w_i, f_r, f_i, residual, slope_r, slope_i, curvature, x_r, x_i, y_r, y_i, ww, ff, wf_r, wf_i = found
    amplitudes, slope = (torch.complex(w_r, w_i), torch.complex(f_r, f_i)), torch.complex(slope_r, slope_i)
    sensitivities, gram = (torch.complex(x_r, x_i), torch.complex(y_r, y_i)), (ww, ff, torch.complex(wf_r, wf_i))
    values = (*amplitudes, residual, slope, curvature, *sensitivities, *gram)
    return LinearFit(*(x.reshape(voxels) for x in values))


def _abs2(x: torch.Tensor) -> torch.Tensor:
    return x.real * x.real + x.imag * x.imag
