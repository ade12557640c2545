"""Registration of two visits: rigid, then deformable, with checks of folding and residual shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from .residual_shift import residual_shifts_mm

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

CONTROL_POINT_MM = 45.0
SAMPLED = 0.2
BRIGHTEST = 99.0
SEED = 1
ITERATIONS_RIGID, ITERATIONS_DEFORMABLE, EVALUATIONS = 60, 25, 40
FOLDED, TOO_FAR_MM = 0.0, 5.0
"""Jacobian at and below which the deformation folds, and the residual shift from which the difference map is doubtful."""


@dataclass(frozen=True)
class RegistrationCheck:
    """How far the registration can be relied on, within the region that counts.

    Attributes
    ----------
    moved_mm : float
        Median displacement.
    least_jacobian : float
        Least determinant of the Jacobian of the deformation; 1 without change of volume.
    folded_percent : float
        Share of voxels where the deformation folds (determinant 0 or below).
    residual_mm : float
        Median shift within the slice that is left between blocks of the two images; NaN where no block has structure.
    residual_95_mm : float
        95th percentile of it.
    overlap_percent : float
        Share of the region that the follow-up scan covers.
    """

    moved_mm: float
    least_jacobian: float
    folded_percent: float
    residual_mm: float
    residual_95_mm: float
    overlap_percent: float

    @property
    def reliable(self) -> bool:
        """No fold, and blocks lie within `TOO_FAR_MM` of each other."""
        return self.folded_percent == 0 and not self.residual_95_mm > TOO_FAR_MM

    def sentences(self) -> tuple[str, ...]:
        """What was found, for people."""
        found = [
            f"The liver moved by {self.moved_mm:.1f} mm (median); the follow-up covers {self.overlap_percent:.0f} % of it.",
            f"Folding: {self.folded_percent:.2f} % of the voxels (least Jacobian {self.least_jacobian:.2f}).",
        ]
        if np.isfinite(self.residual_mm):
            left = f"Shift left within the slice: median {self.residual_mm:.1f}, 95th percentile {self.residual_95_mm:.1f} mm."
        else:
            left = "Shift left within the slice: not known, no block has enough structure."
        found.append(left)
        if not self.reliable:
            found.append("The difference map is doubtful voxel by voxel; read the change of the regions.")
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Registration:
    """A follow-up scan on the grid of the baseline.

    Attributes
    ----------
    transform : SimpleITK.Transform
        Takes points of the baseline to the follow-up.
    check : RegistrationCheck
        How far it can be relied on.
    """

    transform: Any
    check: RegistrationCheck


def register(
    baseline: FloatArray, follow_up: FloatArray, geometries: tuple[Geometry, Geometry], body: BoolArray, region: BoolArray
) -> Registration:
    """Register a follow-up scan to its baseline.

    Parameters
    ----------
    baseline : np.ndarray, shape (slice, row, column), float32
        In-phase or water image of the first visit.
    follow_up : np.ndarray, shape (slice, row, column), float32
        The same contrast of the second visit, on its own grid.
    geometries : tuple of 2 Geometry
        Grids of both.
    body : np.ndarray, shape of `baseline`, bool
        Where the images are compared.
    region : np.ndarray, shape of `baseline`, bool
        Where the result is checked: the liver, or the body.

    Returns
    -------
    Registration

    Notes
    -----
    Mattes mutual information, since other protocols weight tissues differently; a rigid transform by gradient descent on two
    resolutions, then cubic B-splines with control points every `CONTROL_POINT_MM` by L-BFGS-B. Values above the `BRIGHTEST`
    percentile are cut, which would empty the histogram otherwise. Samples are drawn from a fixed seed and one thread is used,
    so that the result can be repeated.
    """
    import SimpleITK as sitk

    baseline, follow_up = (np.minimum(image, np.percentile(image[image > 0], BRIGHTEST)) for image in (baseline, follow_up))
    fixed, moving = image_of(baseline, geometries[0]), image_of(follow_up, geometries[1])
    mask = image_of(body.astype(np.uint8), geometries[0])
    moved = rigid(fixed, moving, mask)

    extent = [(n - 1) * s for n, s in zip(fixed.GetSize(), fixed.GetSpacing(), strict=True)]
    mesh = [max(1, round(length / CONTROL_POINT_MM)) for length in extent]
    deformable = _method(sitk, mask)
    deformable.SetMovingInitialTransform(moved)
    deformable.SetOptimizerAsLBFGSB(1e-6, ITERATIONS_DEFORMABLE, 5, EVALUATIONS, 1e7)
    deformable.SetInitialTransform(sitk.BSplineTransformInitializer(fixed, mesh, order=3), inPlace=False)
    spline = deformable.Execute(fixed, moving)
    transform = sitk.CompositeTransform([moved, spline])
    warped = resampled(follow_up, geometries[1], transform, baseline.shape, geometries[0])
    return Registration(transform, _check(transform, (baseline, warped), geometries, region))


def rigid(fixed: Any, moving: Any, mask: Any) -> Any:
    """Rigid transform of an image to another.

    Parameters
    ----------
    fixed : SimpleITK.Image
        Image of the first visit.
    moving : SimpleITK.Image
        The same contrast of the second visit.
    mask : SimpleITK.Image
        Where they are compared, on the grid of `fixed`.

    Returns
    -------
    SimpleITK.Transform
        Takes points of the first to the second.

    Notes
    -----
    On the coarse resolution every voxel counts: of so few a sample would decide by chance where the search ends.
    """
    import SimpleITK as sitk

    centred = sitk.CenteredTransformInitializer(
        fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.GEOMETRY
    )
    method = _method(sitk, mask)
    method.SetMetricSamplingPercentagePerLevel([1.0, SAMPLED], SEED)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, ITERATIONS_RIGID, gradientMagnitudeTolerance=1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(centred, inPlace=False)
    return method.Execute(fixed, moving)


def resampled(
    array: npt.NDArray[Any],
    geometry: Geometry,
    transform: Any,
    shape: tuple[int, ...],
    target: Geometry,
) -> FloatArray:
    """An array of the follow-up on the grid of the baseline.

    Parameters
    ----------
    array : np.ndarray, shape (slice, row, column)
        Map of the follow-up, or mask.
    geometry : Geometry
        Its grid.
    transform : SimpleITK.Transform
        Takes points of the target to those of the array.
    shape : tuple of int
        Shape of the target grid.
    target : Geometry
        Target grid.

    Returns
    -------
    np.ndarray, shape `shape`, float32
        Interpolated linearly; NaN beyond the array.
    """
    import SimpleITK as sitk

    reference = image_of(np.zeros(shape, np.uint8), target)
    image = image_of(np.asarray(array, np.float32), geometry)
    return np.asarray(
        sitk.GetArrayFromImage(sitk.Resample(image, reference, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32))
    )


def image_of(array: npt.NDArray[Any], geometry: Geometry) -> Any:
    """An array as a SimpleITK image on its grid."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image


def _method(sitk: Any, mask: Any) -> Any:
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(SAMPLED, SEED)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetNumberOfThreads(1)
    return method


def _check(
    transform: Any,
    images: tuple[FloatArray, FloatArray],
    geometries: tuple[Geometry, Geometry],
    region: BoolArray,
) -> RegistrationCheck:
    import SimpleITK as sitk

    fixed = image_of(images[0], geometries[0])
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, fixed.GetSize(), fixed.GetOrigin(), fixed.GetSpacing(), fixed.GetDirection()
    )
    inside = region if region.any() else np.ones_like(region)
    jacobian = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(field))[inside]
    moved = np.linalg.norm(sitk.GetArrayFromImage(field), axis=-1)[inside]
    covered = np.isfinite(images[1])
    left = residual_shifts_mm(images[0], np.nan_to_num(images[1]), inside & covered, geometries[0].spacing_mm)
    return RegistrationCheck(
        moved_mm=float(np.median(moved)),
        least_jacobian=float(jacobian.min()),
        folded_percent=float(100 * np.mean(jacobian <= FOLDED)),
        residual_mm=float(np.median(left)) if left.size else float("nan"),
        residual_95_mm=float(np.percentile(left, 95)) if left.size else float("nan"),
        overlap_percent=float(100 * np.mean(covered[inside])),
    )
