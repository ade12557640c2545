"""Mixed fit: the magnitude of the first echo, magnitude and phase of the others.

Eddy currents from the excitation add a phase error to the first echo that differs from voxel to voxel, and a complex fit turns
it into fat. Here the first echo enters as |s_1| alone, so that any such phase drops out:

    r = (|s_1| - |m_1|, s_2 - m_2, ..., s_N - m_N),

2N - 1 real numbers for the six unknowns (W, F complex, off-resonance, R2*). Gauss-Newton starts from the mode of a complex fit
and stays in it; its normal matrix gives the standard deviations.

References
----------
Hernando, Hines, Yu, Reeder, Magn Reson Med 2012;67:638 (mixed fitting). Yu et al., Magn Reson Med 2011;66:199 (phase error).
Gauss-Newton form: derived here.
"""

from __future__ import annotations

import torch

from ...echoes import EchoSeries
from ...errors import InputError
from ...physics.signal import jacobian, residual_degrees_of_freedom, synthesise
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis
from .bright_sample import best_fit, bright_sample
from .candidates import pick
from .fat_fraction import fat_fraction_derivatives, pdff_signed
from .gauss_newton import LOWEST_R2STAR_PER_S, step_limits
from .mode import Mode
from .noise import noise_from_residual

MIN_ECHOES = 4
"""Without the phase of the first, three echoes are five numbers: too few for six unknowns."""
STEPS = 6
_UNKNOWNS = 6


def mixed_modes(
    echoes: torch.Tensor, modes: list[Mode], chosen: torch.Tensor, basis: EchoBasis
) -> tuple[list[Mode], torch.Tensor]:
    """Fit every mode of every voxel without the phase of the first echo.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex
        At least four echoes.
    modes : list of Mode
        Results of complex fits, the starts.
    chosen : torch.Tensor, shape (voxels,), int64
        Index of the mode of each voxel whose residual gives the noise.
    basis : EchoBasis
        Constants of the protocol.

    Returns
    -------
    modes : list of Mode
        The fitted modes.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.

    Raises
    ------
    InputError
        There are fewer than four echoes.
    """
    n_echoes = echoes.shape[0]
    if n_echoes < MIN_ECHOES:
        raise InputError(
            f"A mixed fit (first echo without its phase) was requested with {n_echoes} echoes; at least {MIN_ECHOES} were "
            "expected. Take another option of the first echo."
        )
    fitted = [_gauss_newton(echoes, mode, basis) for mode in modes]
    energies = torch.stack([_residual(echoes, theta, basis)[0].square().sum(0) for theta in fitted])
    noise = noise_from_residual(pick(energies, chosen), residual_degrees_of_freedom(n_echoes) - 1)
    return [_mode(theta, echoes, energy, basis, noise) for theta, energy in zip(fitted, energies, strict=True)], noise


def first_echo_excess(series: EchoSeries, spectrum: FatSpectrum) -> float | None:
    """Ratio of the noise SD that a complex fit of a sample of voxels implies to that of a mixed fit.

    1 where the first echo is like the others. None where it cannot be determined (fewer than five echoes, no signal).
    """
    if series.n_echoes <= MIN_ECHOES:
        return None
    sample = bright_sample(series, spectrum)
    if sample is None:
        return None
    field, r2star, complex_fit = best_fit(sample)
    zero = torch.zeros_like(field)
    start = Mode(complex_fit.water, complex_fit.fat, zero, zero, field, zero, r2star, zero, complex_fit.residual_energy)
    _, mixed_noise = mixed_modes(sample.echoes, [start], torch.zeros_like(field, dtype=torch.long), sample.basis)
    complex_noise = noise_from_residual(complex_fit.residual_energy, residual_degrees_of_freedom(series.n_echoes))
    floor = 1e-3 / (2 * series.n_echoes) ** 0.5  # of a signal of unit energy: rounding of stored images leaves about as much
    return float((complex_noise + floor) / (mixed_noise + floor))


def _gauss_newton(echoes: torch.Tensor, start: Mode, basis: EchoBasis) -> torch.Tensor:
    """(Re W, Im W, Re F, Im F, phi, R2*), (6, voxels)."""
    water, fat = start.water, start.fat
    theta = torch.stack([water.real, water.imag, fat.real, fat.imag, start.field_hz, start.r2star_per_s])
    for _ in range(STEPS):
        residual, slopes = _residual(echoes, theta, basis)
        information, scale = _information(slopes)
        step = scale * torch.linalg.solve(information, scale * torch.einsum("anv,nv->va", slopes, residual))
        phi_limit, r2_limit = step_limits(theta[5], basis)
        limit = torch.stack([torch.full_like(r2_limit, phi_limit), r2_limit], 1)
        shrink = (limit / step[:, 4:].abs().clamp_min(1e-12)).amin(1).clamp_max(1.0)
        theta = theta + (shrink[:, None] * step).T
        theta[5].clamp_(LOWEST_R2STAR_PER_S, basis.fastest_decay_per_s)
    return theta


def _residual(echoes: torch.Tensor, theta: torch.Tensor, basis: EchoBasis) -> tuple[torch.Tensor, torch.Tensor]:
    """Residual (2 echo - 1, voxels) and derivatives of the model (6, 2 echo - 1, voxels)."""
    arguments = torch.complex(theta[0], theta[1]), torch.complex(theta[2], theta[3]), theta[4], theta[5]
    model = synthesise(*arguments, basis.tau_s, basis.modulation)
    slopes = jacobian(*arguments, basis.tau_s, basis.modulation)
    first = model[0].abs()
    unit = model[0] / first.clamp_min(torch.finfo(first.dtype).tiny)
    rest = echoes[1:] - model[1:]
    residual = torch.cat([(echoes[0].abs() - first)[None], rest.real, rest.imag])
    along = (unit.conj() * slopes[:, :1]).real
    return residual, torch.cat([along, slopes[:, 1:].real, slopes[:, 1:].imag], 1)


def _information(slopes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """J^T J scaled to a diagonal of about 1 (voxels, 6, 6), and the scale (voxels, 6)."""
    information = torch.einsum("anv,bnv->vab", slopes, slopes)
    scale = information.diagonal(dim1=1, dim2=2).clamp_min(torch.finfo(slopes.dtype).tiny).rsqrt()
    eye = torch.eye(_UNKNOWNS, dtype=slopes.dtype, device=slopes.device)
    return information * scale[:, :, None] * scale[:, None, :] + 1e-6 * eye, scale


def _mode(theta: torch.Tensor, echoes: torch.Tensor, energy: torch.Tensor, basis: EchoBasis, noise: torch.Tensor) -> Mode:
    information, scale = _information(_residual(echoes, theta, basis)[1])
    covariance = torch.linalg.inv(information) * scale[:, :, None] * scale[:, None, :] * noise**2
    water, fat = torch.complex(theta[0], theta[1]), torch.complex(theta[2], theta[3])
    d_water, d_fat = fat_fraction_derivatives(water, fat)
    gradient = torch.stack([d_water.real, -d_water.imag, d_fat.real, -d_fat.imag], 1)
    variance = 1e4 * torch.einsum("va,vab,vb->v", gradient, covariance[:, :4, :4], gradient)
    return Mode(
        water, fat, pdff_signed(water, fat), variance, theta[4], covariance[:, 4, 4], theta[5], covariance[:, 5, 5], energy
    )
