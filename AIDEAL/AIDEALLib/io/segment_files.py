"""Segments of files and folders, put onto the grid of a scan one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from ..statistics import liver_part
from .dicom.segments import is_dicom_segmentation, read_segments
from .images import Image, read_image, same_axes
from .label_grid import placed
from .label_names import couinaud_names, name_of_file, names_beside, names_in_header
from .naming import IMAGE_SUFFIXES
from .sizes import check_file
from .slicer_segments import header_segments

LARGEST_LABEL = 32767
MOST_SEGMENTS = 1000
MOST_LISTED = 8
ROUNDING = 1e-3
"""How far labels may lie off whole numbers: scale factors of a header leave such errors."""


@dataclass(frozen=True, eq=False)
class FoundSegment:
    """A segment on the grid of the scan.

    Attributes
    ----------
    name : str
        Its name.
    mask : np.ndarray, shape (slice, row, column), bool
        Its voxels.
    label : int
        Its value in the file.
    terminology : str
        Terminology entry, '' where it has none.
    """

    name: str
    mask: npt.NDArray[np.bool_]
    label: int
    terminology: str = ""


@dataclass(frozen=True, eq=False)
class FoundSegments:
    """Segments of a file or folder.

    Attributes
    ----------
    segments : list of FoundSegment
        They may overlap.
    notes : tuple of str
        What was done to put them onto the scan.
    own_labels : bool
        Whether their values in the file distinguish them.
    """

    segments: list[FoundSegment]
    notes: tuple[str, ...] = ()
    own_labels: bool = False


@dataclass(frozen=True)
class ScanGrid:
    """Where segments are put.

    Attributes
    ----------
    geometry : Geometry
        Grid of the scan.
    shape : tuple of int
        Voxels of the scan along (slice, row, column).
    keep_names : bool
        Whether names of files may be shown.
    """

    geometry: Geometry
    shape: tuple[int, int, int]
    keep_names: bool


def segments_of_source(source: Path, scan: ScanGrid) -> FoundSegments:
    """Segments of a file, or of the files of a folder.

    Parameters
    ----------
    source : Path
        The file or folder.
    scan : ScanGrid
        Where to put them.

    Returns
    -------
    FoundSegments

    Raises
    ------
    InputError
        There are no labels, or they do not overlap the scan.
    """
    return _of_folder(source, scan) if source.is_dir() else _of_file(source, scan)


def _of_file(source: Path, scan: ScanGrid) -> FoundSegments:
    check_file(source)
    if is_dicom_segmentation(source):
        return _of_dicom(source, scan)
    return _of_image(source, scan)


def _of_folder(folder: Path, scan: ScanGrid) -> FoundSegments:
    """Segments of the files of a folder: those of the liver where there are any."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    images = [p for p in files if p.name.lower().endswith(IMAGE_SUFFIXES)]
    if not images:
        objects = [p for p in files if is_dicom_segmentation(p)]
        if len(objects) == 1:
            return _of_dicom(objects[0], scan)
        raise InputError(
            f"The folder {folder.name} holds {len(files)} file(s), no label map and {len(objects)} DICOM segmentation(s); "
            "label maps of one segment each (such as liver_segment_1.nii.gz), or one DICOM segmentation, were expected."
        )
    liver = [p for p in images if liver_part(name_of_file(p, keep_names=False))]
    chosen = liver or images
    if len(chosen) > MOST_SEGMENTS:
        raise InputError(f"The folder {folder.name} holds {len(images)} images; at most {MOST_SEGMENTS} were expected.")
    segments: list[FoundSegment] = []
    notes: list[str] = []
    empty = []
    for number, file in enumerate(chosen, start=1):
        name = name_of_file(file, scan.keep_names) or f"segment {number}"
        found = _of_file_or_empty(file, scan)
        if found is None:
            empty.append(name)
            continue
        notes += [note for note in found.notes if note not in notes]
        segments += [
            FoundSegment(name if len(found.segments) == 1 else f"{name}, {s.name}", s.mask, 0, s.terminology)
            for s in found.segments
        ]
    if len(chosen) < len(images):
        notes.append(f"{len(images) - len(chosen)} file(s) that are no part of the liver were left out.")
    if empty:
        notes.append(f"Without a voxel: {_listed(empty)}.")
    if not segments:
        raise InputError(f"All {len(chosen)} label maps in {folder.name} are zero in every voxel; segments were expected.")
    return FoundSegments(segments, tuple(notes))


def _of_file_or_empty(file: Path, scan: ScanGrid) -> FoundSegments | None:
    return _of_file(file, scan) if np.any(read_image(file).array) else None


def _of_dicom(source: Path, scan: ScanGrid) -> FoundSegments:
    own = read_segments(source)
    layers = [mask.astype(np.int64) for _, mask in own.segments]
    on_scan = placed(layers, own.geometry, scan.geometry, scan.shape, source.name)
    segments = [
        FoundSegment(name, layer > 0, number)
        for number, ((name, _), layer) in enumerate(zip(own.segments, on_scan.layers, strict=True), start=1)
    ]
    return FoundSegments(segments, (*own.notes, *on_scan.notes))


def _of_image(source: Path, scan: ScanGrid) -> FoundSegments:
    """Segments of a label map or Slicer segmentation on the grid of a scan."""
    image = read_image(source)
    layers = _integers(image.array, source)
    described = header_segments(image.header, len(layers), LARGEST_LABEL)
    if layers[0].size == 1 and scan.shape != (1, 1, 1):
        # Slicer saves a segmentation without segment voxels so
        nothing = np.zeros(scan.shape, np.bool_)
        return FoundSegments([FoundSegment(s.name, nothing, n, s.terminology) for n, s in enumerate(described, start=1)])
    if len(described) > MOST_SEGMENTS:
        raise InputError(f"{source.name} has {len(described)} segments; at most {MOST_SEGMENTS} were expected.")
    if not described and len(layers) > 1:
        raise InputError(
            f"{source.name} has {len(layers)} volumes and no segment names; one label map, or a Slicer "
            ".seg.nrrd, was expected. Save the segmentation again."
        )
    if not np.any(layers):
        raise InputError(f"{source.name} is zero in every voxel; at least one label was expected. Check the file.")
    _refuse_no_place(image, layers[0].shape, scan, source)
    on_scan = placed(list(layers), image.geometry, scan.geometry, scan.shape, source.name)
    if described:
        known = {(s.layer, s.value) for s in described}
        segments = [FoundSegment(s.name, on_scan.layers[s.layer] == s.value, s.value, s.terminology) for s in described]
        empty = [s.name for s in described if not np.any(layers[s.layer] == s.value)]
        other = sorted({(n, int(v)) for n, layer in enumerate(layers) for v in np.unique(layer) if v} - known)
        segments += [FoundSegment(f"label {value}", on_scan.layers[n] == value, value) for n, value in other]
    else:
        segments, empty = _plain_labels(source, layers[0], on_scan.layers[0], image.header, scan)
        other = []
    notes = list(on_scan.notes)
    if empty:
        notes.append(f"The header names {len(empty)} label(s) that no voxel has: {_listed(empty)}.")
    if other:
        notes.append(f"Voxels have label values that the header does not name: {_listed([str(v) for _, v in other])}.")
    return FoundSegments(segments, tuple(notes), own_labels=len(layers) == 1)


def _plain_labels(
    source: Path, drawn: npt.NDArray[np.int64], on_scan: npt.NDArray[np.int64], header: Mapping[str, str], scan: ScanGrid
) -> tuple[list[FoundSegment], list[str]]:
    """Segments of a label map without description, and names that no voxel has."""
    values = [int(value) for value in np.unique(drawn) if value]
    if len(values) > MOST_SEGMENTS:
        raise InputError(f"{source.name} has {len(values)} labels; at most {MOST_SEGMENTS} were expected. Is it an image?")
    names = names_in_header(header, source) or names_beside(source) or couinaud_names(source, values)
    if len(values) == 1 and values[0] not in names and (alone := name_of_file(source, scan.keep_names)):
        names = {**names, values[0]: alone}  # one file a segment
    empty = [name for value, name in sorted(names.items()) if value not in values]
    return [FoundSegment(names.get(value, f"label {value}"), on_scan == value, value) for value in values], empty


def _refuse_no_place(image: Image, shape: tuple[int, ...], scan: ScanGrid, source: Path) -> None:
    """Refuse labels whose header has lost the place: NIfTI without codes, or the matrix of the scan at the identity."""
    codes = image.header.get("sform_code") == "0" and image.header.get("qform_code") == "0"
    own = image.geometry
    identity = (*own.spacing_mm, *own.origin_mm, *map(abs, own.direction))
    plain = np.allclose(identity, (1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1))
    if codes or (plain and shape == scan.shape and not same_axes(own, scan.geometry)):
        why = "sform and qform are both 0" if codes else "voxels of 1 mm from an origin at 0, as programs write that lose it"
        raise InputError(
            f"{source.name} states no place in the patient ({why}), so that it is not known which way it "
            "lies; one with its place was expected. Convert it with a program that keeps the place, or copy the header of the "
            "image it was drawn on."
        )


def _integers(array: npt.NDArray[Any], source: Path) -> npt.NDArray[np.int64]:
    whole = not np.iscomplexobj(array) and np.all(np.isfinite(array)) and np.all(np.abs(array - np.round(array)) < ROUNDING)
    if not whole or array.min() < 0:
        raise InputError(
            f"{source.name} has values that are no labels; whole numbers from 0 were expected. Give a segmentation."
        )
    if array.max() > LARGEST_LABEL:
        raise InputError(f"{source.name} has labels up to {array.max():g}; at most {LARGEST_LABEL} were expected.")
    return np.round(array).astype(np.int64)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(names[:MOST_LISTED]) + more
