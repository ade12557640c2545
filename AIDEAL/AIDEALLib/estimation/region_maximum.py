"""Maxima of the likelihood of a region: over the fields too, and with every field integrated; notation of `region_fit`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .region_model import IntegratedLikelihood, RegionEchoes

Floats = npt.NDArray[np.float64]

MOST_STEPS = 60
CONVERGED = np.array([1e-5, 1e-4, 1e-2])
"""Largest last step of Re eta, Im eta and R2* (1/s)."""
LARGEST_STEP = np.array([0.1, 0.1, 150.0])
DIFFERENCES = np.array([1e-3, 1e-3, 1.0])
"""Distances for derivatives."""


def profile_maximum(problem: RegionEchoes, point: Floats, field: Floats) -> tuple[Floats, Floats] | None:
    """Nearest maximum over shared parameters and fields.

    Parameters
    ----------
    problem : RegionEchoes
        The region.
    point : np.ndarray, shape (3,)
        Start of Re eta, Im eta and R2* (1/s).
    field : np.ndarray, shape (voxel,), Hz
        Start of the fields.

    Returns
    -------
    tuple of np.ndarray, or None
        Point and fields; None where the steps do not converge.
    """
    level = problem.explained(point, field)
    for _ in range(MOST_STEPS):
        step = problem.step(point, field)
        shrink = min(1.0, float(np.min(LARGEST_STEP / np.maximum(np.abs(step.shared), 1e-12))))
        while True:
            moved, fields = point + shrink * step.shared, field + shrink * step.field_hz
            found = problem.explained(moved, fields)
            if found >= level or shrink < 1e-3:
                break
            shrink /= 2
        converged = bool(np.all(np.abs(moved - point) < CONVERGED))
        point, field, level = moved, fields, found
        if converged:
            return point, field
    return None


def integrated_maximum(integrated: IntegratedLikelihood, point: Floats) -> tuple[Floats, Floats] | None:
    """Nearest maximum of the integrated likelihood, by differences.

    Parameters
    ----------
    integrated : IntegratedLikelihood
        The function.
    point : np.ndarray, shape (3,)
        Start of Re eta, Im eta and R2* (1/s).

    Returns
    -------
    tuple of np.ndarray, or None
        Point and covariance there, shape (3, 3); None where the steps do not converge.
    """
    for _ in range(MOST_STEPS):
        gradient, hessian = _differences(integrated, point)
        values, vectors = np.linalg.eigh(-hessian)
        if not np.all(np.isfinite(values)):
            return None
        bend = np.maximum(np.abs(values), 1e-9 * np.abs(values).max())
        step = vectors @ ((vectors.T @ gradient) / bend) * DIFFERENCES
        step *= min(1.0, float(np.min(LARGEST_STEP / np.maximum(np.abs(step), 1e-12))))
        level = integrated(point)
        while integrated(point + step) < level and np.any(np.abs(step) > CONVERGED / 10):
            step = step / 2
        point = point + step
        if np.all(np.abs(step) < CONVERGED):
            if np.any(values <= 0):
                return None
            return point, np.outer(DIFFERENCES, DIFFERENCES) * _covariance(integrated, point, hessian)
    return None


def _covariance(integrated: IntegratedLikelihood, point: Floats, hessian: Floats) -> Floats:
    """Covariance in units of `DIFFERENCES`: the larger of that of the curvature and that of the voxels' own gradients.

    The latter is the sandwich of White, Econometrica 1982;50:1, which holds where voxels differ in PDFF or R2*.
    """
    of_curvature = np.linalg.inv(-hessian)
    steps = np.diag(DIFFERENCES)
    gradients = np.array([(integrated.of_voxels(point + s) - integrated.of_voxels(point - s)) / 2 for s in steps])
    of_gradients = of_curvature @ (gradients @ gradients.T) @ of_curvature
    grown = np.sqrt(np.maximum(np.diag(of_gradients) / np.diag(of_curvature), 1.0))
    result: Floats = of_curvature * np.outer(grown, grown)
    return result


def _differences(function: IntegratedLikelihood, point: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, in units of `DIFFERENCES`."""
    unit = np.diag(DIFFERENCES)
    middle = function(point)
    up, down = ([function(point + sign * unit[k]) for k in range(3)] for sign in (1, -1))
    gradient = np.array([(u - d) / 2 for u, d in zip(up, down, strict=True)])
    hessian = np.diag([u + d - 2 * middle for u, d in zip(up, down, strict=True)])
    for j, k in ((0, 1), (0, 2), (1, 2)):
        corners = [s * t * function(point + s * unit[j] + t * unit[k]) for s in (1, -1) for t in (1, -1)]
        hessian[j, k] = hessian[k, j] = sum(corners) / 4
    return gradient, hessian
