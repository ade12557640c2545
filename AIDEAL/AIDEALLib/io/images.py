"""One image file (NRRD, NIfTI, MetaImage) through SimpleITK: array, geometry and header."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..echoes import Geometry
from ..errors import InputError
from .naming import stem
from .sizes import check_file, check_regular

if TYPE_CHECKING:
    import SimpleITK

LARGEST_SIDECAR_BYTES = 1 << 20
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
        image = sitk.ReadImage(str(path))
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


def is_complex_image(path: Path) -> bool:
    """True where the header states complex values; only the header is read."""
    import SimpleITK as sitk

    check_file(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
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


def read_sidecar(path: Path) -> dict[str, Any]:
    """Content of the JSON file beside an image.

    Parameters
    ----------
    path : Path
        The image.

    Returns
    -------
    dict
        Fields of the sidecar, {} where there is none.

    Raises
    ------
    InputError
        The sidecar is no valid JSON.
    """
    sidecar = path.with_name(stem(path) + ".json")
    if not sidecar.is_file():
        return {}
    check_regular(sidecar)
    try:
        if sidecar.stat().st_size > LARGEST_SIDECAR_BYTES:
            raise ValueError(f"larger than {LARGEST_SIDECAR_BYTES} bytes")
        content = json.loads(sidecar.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{sidecar.name} is no valid JSON ({type(error).__name__}); a BIDS sidecar was expected. Correct or remove it."
        ) from error
    return content if isinstance(content, dict) else {}


def echo_times_s(path: Path, header: Mapping[str, str]) -> tuple[float, ...] | None:
    """Echo times that the sidecar or the header of an image gives.

    Sidecar: `EchoTime` (s; a list for a 4-D file). NRRD header: `te_s` (s), a Slicer sequence's `axis N index values` or a
    multi-volume's `MultiVolume.FrameLabels` (both in ms, where the header names them echo times).

    Parameters
    ----------
    path : Path
        The image.
    header : Mapping of str to str
        Fields of its header.

    Returns
    -------
    tuple of float or None
        Echo times in seconds, None where neither gives any.

    Raises
    ------
    InputError
        They are not numbers, or the sidecar is no valid JSON.
    """
    sidecar = read_sidecar(path)
    for key in ("EchoTime", "EchoTimes"):
        if key in sidecar:
            value = sidecar[key]
            return _numbers(" ".join(map(str, value)) if isinstance(value, list) else str(value), f"{key} of {path.name}")
    for key in ("te_s", "EchoTime", "EchoTimes"):
        if key in header:
            return _numbers(header[key], f"{key} of {path.name}")
    if "echo" in header.get("MultiVolume.FrameIdentifyingDICOMTagName", "").lower():
        labels = _numbers(header.get("MultiVolume.FrameLabels", ""), f"MultiVolume.FrameLabels of {path.name}")
        return tuple(v / 1000 for v in labels)
    if any("echo" in value.lower() for key, value in header.items() if key.startswith("NRRD_labels")):
        for key, value in header.items():
            if re.fullmatch(r"axis \d+ index values", key):
                return tuple(v / 1000 for v in _numbers(value, f"{key} of {path.name}"))
    return None


def field_strength_t(path: Path, header: Mapping[str, str]) -> float | None:
    """Field strength that the sidecar or the header of an image gives.

    Parameters
    ----------
    path : Path
        The image.
    header : Mapping of str to str
        Fields of its header.

    Returns
    -------
    float or None
        Field strength in tesla, None where neither gives it.

    Raises
    ------
    InputError
        It is not a number, or the sidecar is no valid JSON.
    """
    for source, key in ((read_sidecar(path), "MagneticFieldStrength"), (header, "field_strength_t")):
        if key in source:
            numbers = _numbers(str(source[key]), f"{key} of {path.name}", "field_strength_t")
            return numbers[0] if numbers else None
    return None


@dataclass(frozen=True)
class Excitation:
    """What a sidecar or header states of the excitation.

    Attributes
    ----------
    flip_angle_deg : float or None, degrees
        Flip angle.
    repetition_time_s : float or None, seconds
        Repetition time.
    contrast_agent : bool or None
        Whether a contrast agent was given; None where nothing is stated.
    """

    flip_angle_deg: float | None
    repetition_time_s: float | None
    contrast_agent: bool | None


def excitation(path: Path, header: Mapping[str, str]) -> Excitation:
    """Flip angle, repetition time and contrast agent that the sidecar (BIDS) or the header of an image gives.

    Raises
    ------
    InputError
        One is not a number, or the sidecar is no valid JSON.
    """
    sidecar = read_sidecar(path)

    def first(names: tuple[str, ...], option: str) -> float | None:
        for source in (sidecar, header):
            for name in names:
                if name in source and (numbers := _numbers(str(source[name]), f"{name} of {path.name}", option)):
                    return numbers[0]
        return None

    return Excitation(
        first(("FlipAngle", "flip_angle_deg"), "flip_angle_deg"),
        first(("RepetitionTimeExcitation", "RepetitionTime", "repetition_time_s"), "repetition_time_s"),
        bool(sidecar["ContrastBolusIngredient"]) if "ContrastBolusIngredient" in sidecar else None,
    )


def _numbers(text: str, name: str, option: str = "te_s") -> tuple[float, ...]:
    """Numbers in a text.

    Raises
    ------
    InputError
        It holds something else; `option` can override it.
    """
    try:
        return tuple(float(token) for token in re.split(r"[\s,;\[\]()]+", text) if token)
    except ValueError as error:
        raise InputError(
            f"{name} is {quoted(text)}; numbers were expected.", advise("Correct it, or override it ({}).", option)
        ) from error


def quoted(text: str) -> str:
    """A value of a header for a message: as it is where it looks like numbers, otherwise only its length (it may be a name)."""
    return repr(text[:60]) if re.fullmatch(r"[-+0-9.eE,;:()\[\]\s]{0,60}", text) else f"a text of {len(text)} characters"


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
