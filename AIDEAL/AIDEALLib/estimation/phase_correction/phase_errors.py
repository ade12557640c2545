"""Phase errors that follow a pattern over the echoes: odd against even (bipolar read-out), and the first echo alone.

A bipolar read-out leaves s_n exp(i (-1)^n theta(x)), theta = a + b x along the read-out (a delay between the k-space centres of
odd and even echoes). An eddy current from the excitation leaves s_1 exp(i psi(x)). Both are s_n exp(i p_n theta(x)) with a
known pattern p_n and few numbers in theta, so the scan itself determines them: the right theta leaves the least residual after
the best water, fat, field and R2* of every voxel.

The residual of a sample of voxels is tabulated over a grid of constant theta once; every (a, b, axis) is then a look-up in
that table, so the whole range is searched and no start has to be near. The best is refined with exact fits. With evenly spaced
echoes theta of the odd-even pattern is only defined modulo a quarter turn (pi/2 shifts the field by half its period).

Source of the model: Lu et al., Magn Reson Med 2008;60:198; Peterson and Mansson, Magn Reson Med 2014;71:1016. The search
is ours.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

import numpy as np
import torch

from ...echoes import EchoSeries
from ...physics.residual_profile import profile_without_interpreter
from ...physics.spectrum import FatSpectrum
from ..voxelwise.bright_sample import BINS, R2STAR_PER_S, SAMPLE_VOXELS, Sample, best_fit, bright_sample, position

CONVERGED_RAD = 0.003
"""A step that changes no phase within the field of view by more ends the search: 3 % of what counts as clear."""
MIN_ECHOES = 4
"""Three echoes leave no residual that could show a phase error."""
CLEAR_GAIN, CLEAR_Z, CLEAR_RAD = 1.15, 8.0, 0.1
"""A phase error is clear, and corrected by default, when it is at least this large, and its correction lowers the residual of a
typical voxel by this factor and by this many standard errors. Four real monopolar scans have gains up to 1.05 at 0.09 rad."""
BIPOLAR_GAIN, BIPOLAR_Z = 1.02, 4.0
"""The same where the source states that the read-out is bipolar."""
LEAST_RAD = 0.02
"""Smaller phase errors (1 degree) are never worth correcting."""
_SLOPES = 41
_STEEPEST_RAD = 2 * math.pi
_FLOOR = 1e-6
"""Residual energy, as a share of the signal's, that counts as none: rounding of stored images leaves about as much."""
_AXES = ("row", "column")


class Pattern(Enum):
    """Which echoes a phase error is on."""

    ODD_EVEN = "odd against even echoes"
    FIRST = "first echo"

    def of(self, steps: Sequence[int]) -> torch.Tensor:
        """p_n, (echo,), of echoes numbered by `EchoSeries.echo_steps`: the polarity of a read-out follows the echo time."""
        n = torch.tensor(steps)
        return (1.0 - 2.0 * (n % 2)) if self is Pattern.ODD_EVEN else (n == 0).float()

    def period_rad(self, on_grid: bool = True) -> float:
        """Period of theta for the residual. Echoes that alternate in sign are another field, but only at times on a grid."""
        return 2 * math.pi if self is Pattern.FIRST else math.pi / 2 if on_grid else math.pi


@dataclass(frozen=True)
class PhaseError:
    """theta = constant + slope u, u from -1/2 to 1/2 over the field of view along `axis` (0: rows, 1: columns).

    Attributes
    ----------
    pattern : Pattern
        Which echoes it is on.
    constant_rad, slope_rad : float, radians
        Phase in the middle of the field of view, and its change over the field of view.
    axis : int
        Index along which it changes; 0: rows, 1: columns.
    residual_before, residual_after : float, percent of the signal
        Medians over the sample.
    gain : float
        Factor by which the residual of a typical voxel falls (geometric mean over the sample).
    z : float
        Logarithm of `gain` in its standard errors.
    steps : tuple of int
        Number of each echo (`EchoSeries.echo_steps`); () for consecutive echoes.
    """

    pattern: Pattern
    constant_rad: float
    slope_rad: float
    axis: int
    residual_before: float
    residual_after: float
    gain: float
    z: float
    steps: tuple[int, ...] = ()

    @property
    def clear(self) -> bool:
        """True when the scan shows it beyond doubt."""
        return self.size_rad >= CLEAR_RAD and self.gain >= CLEAR_GAIN and self.z >= CLEAR_Z

    @property
    def plausible(self) -> bool:
        """True when it is worth correcting in a scan that is known to have one."""
        return self.size_rad >= LEAST_RAD and self.gain >= BIPOLAR_GAIN and self.z >= BIPOLAR_Z

    @property
    def size_rad(self) -> float:
        """Largest phase within the field of view, modulo the period."""
        period = self.pattern.period_rad()
        ends = [abs(math.remainder(self.constant_rad + self.slope_rad * u, period)) for u in np.linspace(-0.5, 0.5, 33)]
        return max(ends)

    def sentence(self) -> str:
        """Describe the phase error in words."""
        return (
            f"{self.pattern.value}: phase {math.degrees(self.constant_rad):.0f} degrees and {math.degrees(self.slope_rad):.0f} "
            f"degrees over the field of view along the {_AXES[self.axis]} index; residual {self.residual_before:.3g} % before, "
            f"{self.residual_after:.3g} % after"
        )

    def phasor(self, n_echoes: int, rows: int, columns: int) -> np.ndarray:
        """Correction exp(-i p_n theta), to be multiplied with the echoes.

        Parameters
        ----------
        n_echoes : int
            Number of echoes.
        rows, columns : int
            Size of a slice.

        Returns
        -------
        numpy.ndarray, shape (echo, 1, row or 1, column or 1), complex64
            The correction; it varies along `axis` alone.
        """
        count = (rows, columns)[self.axis]
        theta = self.constant_rad + self.slope_rad * position(torch.arange(count), count).numpy()
        phase = np.exp(-1j * self.pattern.of(self.steps or range(n_echoes)).numpy()[:, None] * theta).astype(np.complex64)
        return phase[:, None, :, None] if self.axis == 0 else phase[:, None, None, :]

    def correct(self, series: EchoSeries) -> EchoSeries:
        """Return the scan without this phase error (a copy of the echoes)."""
        _, rows, columns = series.shape
        return replace(series, echoes=series.echoes * self.phasor(series.n_echoes, rows, columns))


def find_phase_error(
    series: EchoSeries,
    spectrum: FatSpectrum,
    pattern: Pattern = Pattern.ODD_EVEN,
    slices: range | None = None,
    voxels: int = SAMPLE_VOXELS,
) -> PhaseError | None:
    """Estimate the phase error of a scan (or of some of its slices).

    Parameters
    ----------
    series : EchoSeries
        The scan with the rotation sense of the model (conjugate first where needed).
    spectrum : FatSpectrum
        Fat spectrum.
    pattern : Pattern
        Which echoes the phase error is on.
    slices : range, optional
        Slices to examine; all by default.
    voxels : int
        Voxels at most.

    Returns
    -------
    PhaseError or None
        The error that leaves the least residual, worth correcting or not; None where none can be determined (three echoes, no
        signal).
    """
    if series.n_echoes < MIN_ECHOES:
        return None
    sample = bright_sample(series, spectrum, slices, voxels)
    if sample is None:
        return None
    period = pattern.period_rad(series.on_grid)
    found: dict[tuple[tuple[int, ...], int], _Found] = {}
    for numbers in _countings(series, pattern):
        table = _table(sample, pattern.of(numbers), period, 12 if period < 2 else 24)
        found |= {(numbers, axis): _search(table, sample.place[axis], period) for axis in (1, 0)}
    numbers, axis = min(found, key=lambda key: found[key].cost)
    p = pattern.of(numbers)
    constant, slope = _refine(sample, p, found[numbers, axis], axis, period)
    before, after = _energies(sample, p, [0.0, constant + slope * sample.place[axis]])
    log_gain = 0.5 * torch.log((before + _FLOOR) / (after + _FLOOR))
    z = log_gain.mean() / (log_gain.std() / math.sqrt(log_gain.numel()) + 1e-9)
    return PhaseError(
        pattern,
        math.remainder(constant, period),
        slope,
        axis,
        _percent(before),
        _percent(after),
        math.exp(float(log_gain.mean())),
        float(z),
        () if numbers == tuple(range(series.n_echoes)) else numbers,
    )


def _countings(series: EchoSeries, pattern: Pattern) -> list[tuple[int, ...]]:
    """Numbers that the echoes may have: those of `EchoSeries.echo_steps`, or, where nothing decides, also each single gap."""
    n = series.n_echoes
    if series.counted or pattern is not Pattern.ODD_EVEN:
        return [series.echo_steps]
    return [tuple(k + (k >= gap > 0) for k in range(n)) for gap in range(n)]


def _rotated(echoes: torch.Tensor, p: torch.Tensor, theta: torch.Tensor | float) -> torch.Tensor:
    angle = -p[:, None] * torch.as_tensor(theta, dtype=torch.float32).expand(echoes.shape[1])
    return echoes * torch.polar(torch.ones_like(angle), angle)


def _table(sample: Sample, p: torch.Tensor, period: float, steps: int) -> torch.Tensor:
    """Root of the least residual energy for each constant theta, (steps, voxels)."""
    r2 = torch.tensor(R2STAR_PER_S, dtype=torch.float64)
    rows = []
    for k in range(steps):
        rotated = _rotated(sample.echoes, p, period * k / steps)
        profile = profile_without_interpreter(rotated[None], sample.te_s, sample.modulation, BINS, r2, oversampling=2)
        rows.append(profile[0].amin(0))
    return torch.stack(rows).clamp_min(0).sqrt()


class _Found(NamedTuple):
    """Minimum of the table along one axis: sum of the residuals, and where it is."""

    cost: float
    constant: float
    slope: float


def _search(table: torch.Tensor, place: torch.Tensor, period: float) -> _Found:
    """Constant and slope of the least sum over the sample; the table is interpolated on its circle.

    The sum for all constants is a correlation: by the Fourier transform of the table along theta, in which a slope turns the
    phase of each voxel.
    """
    steps = table.shape[0]
    fine = torch.stack([table, (table + table.roll(-1, 0)) / 2], 1).flatten(0, 1)
    slopes = torch.linspace(-_STEEPEST_RAD, _STEEPEST_RAD, _SLOPES)
    shift = torch.remainder(slopes[:, None] * place / period, 1.0) * 2 * steps
    whole = torch.floor(shift)
    share, turn = shift - whole, torch.polar(torch.ones_like(whole), whole * (torch.pi / steps))
    power, sums = torch.ones_like(turn), []
    for k, transform in enumerate(torch.fft.rfft(fine, dim=0)):
        interpolation = 1 + share * (cmath.exp(1j * math.pi * k / steps) - 1)
        sums.append((transform * power * interpolation).sum(1))
        power = power * turn
    costs = torch.fft.irfft(torch.stack(sums, 1), n=2 * steps, dim=1)  # (slope, constant)
    # A slope must pay for itself: without one, noise alone would choose.
    costs = costs * (1 + 1e-3 * slopes.abs() / _STEEPEST_RAD)[:, None]
    slope, constant = divmod(int(costs.argmin()), 2 * steps)
    return _Found(float(costs[slope, constant]), constant * period / (2 * steps), float(slopes[slope]))


def _refine(sample: Sample, p: torch.Tensor, start: _Found, axis: int, period: float) -> tuple[float, float]:
    """Newton steps on (constant, slope) with water, fat, field and R2* of every voxel projected out by exact fits.

    The derivatives of the projected residual energy along theta are taken from fits at theta and a small step to either side.
    """
    step, constant, slope = 0.04, start.constant, start.slope
    for _ in range(4):
        theta = constant + slope * sample.place[axis]
        left, centre, right = _energies(sample, p, [theta - step, theta, theta + step])
        gradient = (right - left) / (2 * step)
        curvature = ((right - 2 * centre + left) / step**2).clamp_min(0)
        weight = 1 / (centre + centre.median() + 1e-9)  # voxels that fit badly for other reasons count less
        u = sample.place[axis]
        g0, g1 = (weight * gradient).sum(), (weight * gradient * u).sum()
        h00, h01, h11 = ((weight * curvature * u**k).sum() for k in range(3))
        determinant = float(h00 * h11 - h01 * h01)
        if determinant <= 1e-9 * float(h00) ** 2 + 1e-30:
            break
        limit = period / 12
        by_constant = float(((h11 * g0 - h01 * g1) / determinant).clamp(-limit, limit))
        by_slope = float(((h00 * g1 - h01 * g0) / determinant).clamp(-3 * limit, 3 * limit))
        constant, slope = constant - by_constant, slope - by_slope
        if abs(by_constant) + abs(by_slope) / 2 < CONVERGED_RAD:
            break
    return constant, slope


def _energies(sample: Sample, p: torch.Tensor, thetas: list[torch.Tensor | float]) -> list[torch.Tensor]:
    """Residual energy of each voxel with each theta corrected."""
    rotated = torch.cat([_rotated(sample.echoes, p, theta) for theta in thetas], 1)
    energy = best_fit(replace(sample, echoes=rotated))[2].residual_energy.clamp_min(0)
    return list(energy.chunk(len(thetas)))


def _percent(energy: torch.Tensor) -> float:
    return 100 * float(energy.clamp_min(0).sqrt().median())
