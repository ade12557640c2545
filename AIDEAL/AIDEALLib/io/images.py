"""One image file (NRRD, NIfTI, MetaImage) through SimpleITK: array, geometry and header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from .sizes import check_file

if TYPE_CHECKING:
    import SimpleITK

_FORMATS = (
    ((".nrrd", ".nhdr"), "NrrdImageIO"),
    ((".nii", ".nii.gz"), "NiftiImageIO"),
    ((".mha", ".mhd"), "MetaImageIO"),
)
SAME_GEOMETRY_MM = 1e-2
"""Origins that differ by less are equal."""
SAME_DIRECTION = 1e-3
"""Elements of direction matrices that differ by less are equal."""
SAME_SPACING, SAME_SPACING_MM = 1e-3, 1e-4
"""Spacings that differ by less, as a share and in mm together, are equal."""


@dataclass(frozen=True, eq=False)
class Image:
    """Content of a file with one or more volumes.

    Attributes
    ----------
    array : np.ndarray, shape (volume, slice, row, column)
        Values as stored: integer, float or complex.
    geometry : Geometry
        Grid of the volumes.
    header : Mapping of str to str
        Fields of the header.
    """

    array: npt.NDArray[Any]
    geometry: Geometry
    header: Mapping[str, str]


def read_image(path: Path) -> Image:
    """Read a 2-D, 3-D or 4-D image; echoes may lie along the fourth axis or along the NRRD list axis.

    Parameters
    ----------
    path : Path
        NRRD, NIfTI or MetaImage file.

    Returns
    -------
    Image
        Its content.

    Raises
    ------
    InputError
        The file is missing, damaged, or has more than four axes.
    """
    import SimpleITK as sitk

    check_file(path)
    try:
        image = _reader(path).Execute()
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(f"{path.name} could not be read as an image ({reason}). Export or copy it again.") from error
    dimension, components = image.GetDimension(), image.GetNumberOfComponentsPerPixel()
    array = sitk.GetArrayFromImage(image)
    if dimension > 4 or (dimension == 4 and components > 1):
        raise InputError(
            f"{path.name} has axes of size {image.GetSize()}; at most three in space and one for the echoes were expected. "
            "Save one file per echo."
        )
    if components > 1:
        array = np.moveaxis(array, -1, 0)
    if dimension == 2:
        array = array[..., np.newaxis, :, :]
    if array.ndim == 3:
        array = array[np.newaxis]
    header = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    return Image(array, _geometry(image.GetSpacing(), image.GetOrigin(), image.GetDirection()), header)


def _reader(path: Path) -> SimpleITK.ImageFileReader:
    """Reader of the format that the name of a file states; by itself SimpleITK would try two dozen on its content."""
    import SimpleITK as sitk

    name = path.name.lower()
    format_ = next((found for suffixes, found in _FORMATS if name.endswith(suffixes)), None)
    if format_ is None:
        raise InputError(f"{path.name} is no NRRD, NIfTI or MetaImage file; one of these was expected. Name another.")
    reader = sitk.ImageFileReader()
    reader.SetImageIO(format_)
    reader.SetFileName(str(path))
    return reader


def is_complex_image(path: Path) -> bool:
    """True where the header states complex values; only the header is read."""
    import SimpleITK as sitk

    check_file(path)
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return False
    return reader.GetPixelID() in (sitk.sitkComplexFloat32, sitk.sitkComplexFloat64)


def image_of(array: npt.NDArray[Any], geometry: Geometry) -> SimpleITK.Image:
    """Image for SimpleITK to write, from an array (slice, row, column) on a grid."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image


def same_axes(a: Geometry, b: Geometry) -> bool:
    """True where two grids agree in spacing and direction."""
    return bool(
        np.allclose(a.spacing_mm, b.spacing_mm, rtol=SAME_SPACING, atol=SAME_SPACING_MM)
        and np.allclose(a.direction, b.direction, rtol=0, atol=SAME_DIRECTION)
    )


def same_geometry(a: Geometry, b: Geometry) -> bool:
    """True where two grids agree in spacing, direction and origin."""
    return same_axes(a, b) and bool(np.allclose(a.origin_mm, b.origin_mm, rtol=0, atol=SAME_GEOMETRY_MM))


def _geometry(spacing: tuple[float, ...], origin: tuple[float, ...], direction: tuple[float, ...]) -> Geometry:
    n = len(spacing)
    matrix = np.eye(3)
    used = min(n, 3)
    matrix[:used, :used] = np.asarray(direction, dtype=float).reshape(n, n)[:used, :used]
    padded_spacing = (*spacing[:3], 1.0)[:3]
    padded_origin = (*origin[:3], 0.0)[:3]
    return Geometry(
        spacing_mm=(padded_spacing[0], padded_spacing[1], padded_spacing[2]),
        origin_mm=(padded_origin[0], padded_origin[1], padded_origin[2]),
        direction=tuple(float(v) for v in matrix.ravel()),
    )
