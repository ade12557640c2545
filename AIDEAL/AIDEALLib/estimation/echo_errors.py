"""Errors of whole echoes that a result still holds: which one, how probable, and by how much it moves each fat fraction.

Four kinds: a phase between odd and even echoes, a phase of the first echo (each a constant and slopes along rows and columns),
scales of single echoes, and an imaginary part of another scale than the real one. To first order each adds known directions d
to the echoes of a voxel. The part of d outside the space of the signal model (water, fat, field, R2*) shows in the residuals,
and their regression on it gives the size; the part inside moves water and fat, and gives the harm. Where little of d lies
outside, the size stays open although the harm may be great, and the probability says so.

The probability is that of a normal linear model with the error against one without (`echo_evidence`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import numpy.typing as npt
import torch

from ..physics.signal import jacobian, residual_degrees_of_freedom, synthesise
from .echo_evidence import PRIOR, Evidence
from .estimated_scan import EstimatedScan
from .map_sample import MapSample
from .phase_correction.phase_errors import MIN_ECHOES, Pattern
from .voxelwise.fat_fraction import pdff_signed
from .voxelwise.noise import chi_square_median

SAMPLE_VOXELS = 600
REFINEMENTS = 3
_UNSEEN = 1e-9
"""Directions that show by less than this share of the clearest one are taken to show not at all."""


class ErrorKind(Enum):
    """What may be wrong with whole echoes."""

    ODD_EVEN = "phase between odd and even echoes"
    FIRST_ECHO = "phase of the first echo"
    SCALES = "scales of the echoes"
    IMAGINARY = "scale of the imaginary part"


@dataclass(frozen=True, eq=False)
class EchoError:
    """One error of whole echoes.

    Attributes
    ----------
    kind : ErrorKind
        What it is.
    size : tuple of float
        Constant and slopes over the field of view along rows and columns (radians); the relative change of each echo's scale;
        or k of the echoes s + k s*.
    probability : float
        Probability that the scan has it.
    log_bayes_factor : float, nats
        Evidence for it.
    gain : float
        Factor by which its correction lowers the residual of a typical voxel (geometric mean).
    change_points : numpy.ndarray, shape (voxels,), percentage points
        PDFF as read minus PDFF without the error, of a sample of voxels.
    pdff : numpy.ndarray, shape (voxels,), percent
        PDFF that they read.
    place : numpy.ndarray, shape (2, voxels)
        Their place along rows and columns, from -1/2 to 1/2.
    """

    kind: ErrorKind
    size: tuple[float, ...]
    probability: float
    log_bayes_factor: float
    gain: float
    change_points: npt.NDArray[np.float64]
    pdff: npt.NDArray[np.float64]
    place: npt.NDArray[np.float64]


def find_echo_error(scan: EstimatedScan, noise_sd: float) -> EchoError | None:
    """Find the most probable error of whole echoes that a result still holds.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result.
    noise_sd : float
        Noise per real channel, in the unit of the echoes, not taken from the fit.

    Returns
    -------
    EchoError or None
        None for three echoes, which leave no residual, without signal, and where the phase of the first echo was left out.
    """
    if scan.series.n_echoes < MIN_ECHOES or scan.corrections.mixed:
        return None
    sample = MapSample.of(scan, scan.maps.mask, SAMPLE_VOXELS)
    if sample is None:
        return None
    voxels = _Projected.of(sample)
    steps = scan.series.echo_steps
    errors = [_error(kind, voxels, _directions(kind, sample, voxels.model, steps), noise_sd) for kind in ErrorKind]
    likeliest = max(errors, key=lambda error: error.log_bayes_factor)
    return _refined(likeliest, sample, steps, noise_sd) if likeliest.probability > PRIOR.probability else likeliest


def evidence_of_errors(sample: MapSample, steps: tuple[int, ...], noise_sd: float) -> dict[ErrorKind, Evidence]:
    """Evidence of a sample of voxels for each kind of error, by itself.

    Parameters
    ----------
    sample : MapSample
        Voxels.
    steps : tuple of int
        Number of each echo in the train (`EchoSeries.echo_steps`).
    noise_sd : float
        Noise per real channel.

    Returns
    -------
    dict of ErrorKind to Evidence
    """
    voxels = _Projected.of(sample)
    return {kind: _evidence(voxels, _directions(kind, sample, voxels.model, steps), noise_sd)[0] for kind in ErrorKind}


def error_of_scales(scan: EstimatedScan, scales: npt.NDArray[np.float64]) -> EchoError | None:
    """Error of echoes whose scales are known from elsewhere.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result.
    scales : numpy.ndarray, shape (echo,)
        Scale of each echo.

    Returns
    -------
    EchoError or None
        None without signal.
    """
    sample = MapSample.of(scan, scan.maps.mask, SAMPLE_VOXELS)
    if sample is None:
        return None
    size = torch.from_numpy(scales - 1)
    corrected = sample.of_echoes(_corrected(ErrorKind.SCALES, size, sample, scan.series.echo_steps))
    read, true = (pdff_signed(x.linear.water, x.linear.fat).double().numpy() for x in (sample, corrected))
    return EchoError(
        ErrorKind.SCALES, tuple(size.tolist()), 1.0, math.inf, 1.0, read - true, read, sample.place.double().numpy()
    )


@dataclass(frozen=True, eq=False)
class _Projected:
    """Voxels with the tangent space of their model, double precision; echoes are real parts, then imaginary parts.

    Attributes
    ----------
    model, water, fat : torch.Tensor, complex
        Fitted echoes (echo, voxels), and water and fat at the first echo (voxels,).
    orthonormal, inverse : torch.Tensor, shape (voxels, 2 echo, 6) and (voxels, 6, 2 echo)
        Basis of the tangent space, and pseudo-inverse of the Jacobian.
    residual : torch.Tensor, shape (voxels, 2 echo)
        What the fit leaves.
    energy : torch.Tensor, shape (voxels,)
        Its energy.
    place : torch.Tensor, shape (2, voxels)
        As `MapSample`.
    """

    model: torch.Tensor
    water: torch.Tensor
    fat: torch.Tensor
    orthonormal: torch.Tensor
    inverse: torch.Tensor
    residual: torch.Tensor
    energy: torch.Tensor
    place: torch.Tensor

    @classmethod
    def of(cls, sample: MapSample) -> _Projected:
        # a fit that came to no end has a model of 0, and counts little for its residual
        water, fat = (torch.nan_to_num(x).to(torch.complex128) for x in (sample.linear.water, sample.linear.fat))
        field, r2star = (torch.nan_to_num(x).double() for x in (sample.nonlinear.field_hz, sample.nonlinear.r2star_per_s))
        tau, modulation = sample.basis.tau_s.double(), sample.basis.modulation.to(torch.complex128)
        model = synthesise(water, fat, field, r2star, tau, modulation)
        slopes = _real(jacobian(water, fat, field, r2star, tau, modulation)).movedim((0, 1), (2, 1))
        length = slopes.norm(dim=1, keepdim=True).clamp_min(1e-30)
        orthonormal, upper = torch.linalg.qr(torch.nan_to_num(slopes / length))
        inverse = torch.linalg.pinv(upper) @ orthonormal.mT / length.mT
        residual = _real(sample.echoes.to(torch.complex128) - model).T
        return cls(model, water, fat, orthonormal, inverse, residual, residual.square().sum(1), sample.place.double())

    def outside(self, direction: torch.Tensor) -> torch.Tensor:
        """Part of a direction (voxels, 2 echo) outside the tangent space."""
        return direction - (self.orthonormal @ (self.orthonormal.mT @ direction[..., None]))[..., 0]

    def change(self, direction: torch.Tensor) -> torch.Tensor:
        """Change of PDFF, points, that a small direction (voxels, 2 echo) brings."""
        moved = (self.inverse @ direction[..., None])[..., 0]
        water, fat = (torch.complex(moved[:, k], moved[:, k + 1]) for k in (0, 2))
        return pdff_signed(self.water, self.fat) - pdff_signed(self.water - water, self.fat - fat)


def _real(echoes: torch.Tensor) -> torch.Tensor:
    """Real parts, then imaginary parts, along the axis of the echoes."""
    return torch.cat([echoes.real, echoes.imag], dim=-2)


def _directions(kind: ErrorKind, sample: MapSample, model: torch.Tensor, steps: tuple[int, ...]) -> torch.Tensor:
    """Change of the echoes by one unit of each parameter, (parameter, voxels, 2 echo)."""
    if kind is ErrorKind.SCALES:
        complex_directions = torch.diag_embed(model.T).movedim(1, 0).mT  # (echo, echo, voxels)
    elif kind is ErrorKind.IMAGINARY:
        factors = sample.factors.to(model.dtype)
        complex_directions = (factors * (model / factors).conj())[None]
    else:
        pattern = (Pattern.ODD_EVEN if kind is ErrorKind.ODD_EVEN else Pattern.FIRST).of(steps).double()
        turned = 1j * pattern[:, None] * model
        complex_directions = torch.stack([turned, *(turned * along for along in sample.place.double())])
    return _real(complex_directions).mT


def _evidence(voxels: _Projected, directions: torch.Tensor, noise_sd: float) -> tuple[Evidence, torch.Tensor, torch.Tensor]:
    """Evidence for an error; its directions among the parameters (parameter, direction); energy of each voxel without it."""
    outside = torch.stack([voxels.outside(direction) for direction in directions])
    typical = voxels.energy.median()
    weight = 2 * typical / (voxels.energy + typical + 1e-30)  # voxels that fit badly count less
    information = torch.einsum("avn,bvn,v->ab", outside, outside, weight)
    values, vectors = torch.linalg.eigh(information)
    values, vectors = (x[..., values > _UNSEEN * values.max()] for x in (values, vectors))
    seen = torch.einsum("avn,vn,v->a", outside, voxels.residual, weight) @ vectors / values
    left = (voxels.residual - torch.einsum("a,avn->vn", vectors @ seen, outside)).square().sum(1)
    variance = float(left.median()) / chi_square_median(residual_degrees_of_freedom(voxels.model.shape[0]))
    return Evidence(seen, values, variance, max(variance - noise_sd**2, 0.0), left.numel()), vectors, left


def _error(kind: ErrorKind, voxels: _Projected, directions: torch.Tensor, noise_sd: float) -> EchoError:
    evidence, vectors, left = _evidence(voxels, directions, noise_sd)
    size = vectors @ evidence.expected()
    floor = 1e-6 * voxels.model.abs().square().sum(0)
    gain = 0.5 * torch.log((voxels.energy + floor) / (left + floor))
    return EchoError(
        kind,
        tuple(size.tolist()),
        evidence.probability(),
        evidence.log_bayes_factor(),
        math.exp(float(gain.mean())),
        voxels.change(torch.einsum("a,avn->vn", size, directions)).numpy(),
        pdff_signed(voxels.water, voxels.fat).numpy(),
        voxels.place.numpy(),
    )


def _refined(error: EchoError, sample: MapSample, steps: tuple[int, ...], noise_sd: float) -> EchoError:
    """Size and harm of an error beyond the first order: correct it, fit once more, and add what is left."""
    size = torch.tensor(error.size, dtype=torch.float64)
    pdff = torch.from_numpy(error.pdff)
    for _ in range(REFINEMENTS):
        corrected = sample.of_echoes(_corrected(error.kind, size, sample, steps))
        voxels = _Projected.of(corrected)
        pdff = pdff_signed(voxels.water, voxels.fat)
        left = _error(error.kind, voxels, _directions(error.kind, corrected, voxels.model, steps), noise_sd)
        size = size + torch.tensor(left.size, dtype=torch.float64)
    return replace(error, size=tuple(size.tolist()), change_points=error.pdff - pdff.numpy())


def _corrected(kind: ErrorKind, size: torch.Tensor, sample: MapSample, steps: tuple[int, ...]) -> torch.Tensor:
    if kind is ErrorKind.SCALES:
        return sample.echoes / (1 + size).clamp_min(0.1)[:, None].float()
    if kind is ErrorKind.IMAGINARY:
        k, raw = size.clamp(-0.9, 0.9).float(), sample.echoes / sample.factors
        return sample.factors * (raw - k * raw.conj()) / (1 - k**2)
    pattern = (Pattern.ODD_EVEN if kind is ErrorKind.ODD_EVEN else Pattern.FIRST).of(steps)
    angle = -pattern[:, None] * (size[0] + size[1:] @ sample.place.double()).float()
    return sample.echoes * torch.polar(torch.ones_like(angle), angle)
