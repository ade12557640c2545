"""DICOM files, read so that no content can crash the reader, hang it or exhaust the memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from .elements import integer, quiet, text

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.1"
LEGACY_CONVERTED_MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4.4"
MR_CLASSES = (MR_IMAGE, ENHANCED_MR_IMAGE, LEGACY_CONVERTED_MR_IMAGE)
DICOMDIR = "1.2.840.10008.1.3.10"
DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG_LOSSLESS = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")

MOST_FILES = 100_000
LARGEST_FRAME = 4096 * 4096
MOST_FRAMES = 100_000
LARGEST_FILE_BYTES = 8 << 30
LARGEST_DECODED_BYTES = 8 << 30
LARGEST_COMPRESSION = 20_000

_T = TypeVar("_T")


def has_dicom_magic(path: Path) -> bool:
    """True where the file has 'DICM' after its 128-byte preamble."""
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def dicom_files(paths: Sequence[Path]) -> list[Path]:
    """The DICOM files named, and those in the folders named, at any depth.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.

    Returns
    -------
    list of Path
        Files with the mark of DICOM.

    Raises
    ------
    InputError
        A file named by itself is not DICOM, or a folder holds far too many files.
    """
    found: list[Path] = []
    examined = 0
    for path in paths:
        if not path.is_dir():
            if not has_dicom_magic(path):
                raise InputError(
                    f"{path.name} is no DICOM file (no 'DICM' at byte 128); only DICOM was expected among the files. "
                    "Leave it out, or export it again."
                )
            found.append(path)
            continue
        for entry in sorted(path.rglob("*")):
            examined += 1
            if examined > MOST_FILES:
                raise InputError(
                    f"{path} holds more than {MOST_FILES} files; the folder of one scan was expected. Name its own folder."
                )
            if entry.is_file() and has_dicom_magic(entry):
                found.append(entry)
    return found


def guarded(action: Callable[[], _T], complaint: str) -> _T:
    """Run code of another package on the data of a file.

    Parameters
    ----------
    action : callable
        What to run.
    complaint : str
        Message of the error, with a place `{reason}`.

    Returns
    -------
    object
        Result of the action.

    Raises
    ------
    InputError
        The action raised whatever it may.
    """
    try:
        with quiet():
            return action()
    except (InputError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of a decoder written in Rust is no Exception
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        if isinstance(error, MemoryError):
            reason = "it needs more memory than there is"
        raise InputError(complaint.replace("{reason}", reason)) from error


def _unreadable(path: Path) -> str:
    return f"{path.name} could not be read as DICOM ({{reason}}); a complete file was expected. Export or copy it again."


def read_header(path: Path) -> Dataset:
    """Everything before the pixels.

    Parameters
    ----------
    path : Path
        DICOM file.

    Returns
    -------
    pydicom.Dataset
        The header.

    Raises
    ------
    InputError
        The file is damaged, too large, or deflated.
    """
    import pydicom
    from pydicom.filereader import read_file_meta_info

    complaint = _unreadable(path)
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise InputError(f"{path.name} is larger than {LARGEST_FILE_BYTES >> 30} GB; a scan was expected. Leave it out.")
    meta = guarded(lambda: read_file_meta_info(path), complaint)
    if text(meta, "TransferSyntaxUID") == DEFLATED:
        raise InputError(
            f"{path.name} is stored in the deflated transfer syntax, which is not supported. Export it uncompressed."
        )
    header = guarded(lambda: pydicom.dcmread(path, stop_before_pixels=True, defer_size=1 << 20), complaint)
    guarded(lambda: list(header.keys()), complaint)
    return header


def is_mr_image(header: Dataset) -> bool:
    """True for MR images, classic or enhanced."""
    return text(header, "SOPClassUID") in MR_CLASSES


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Stored values of a file, decoded but not rescaled.

    Parameters
    ----------
    path : Path
        DICOM file.

    Returns
    -------
    np.ndarray, shape (frame, row, column)
        Values as stored.

    Raises
    ------
    InputError
        There are no pixels, they are truncated, coloured or too many, or no decoder for their compression is installed.
    """
    import pydicom

    complaint = _unreadable(path)
    dataset = guarded(lambda: pydicom.dcmread(path), complaint)
    if not guarded(lambda: "PixelData" in dataset, complaint):
        raise InputError(f"{path.name} holds no pixel data; an image was expected. Leave the file out, or export it again.")
    shape, size = _announced(dataset, path)
    syntax = text(getattr(dataset, "file_meta", None), "TransferSyntaxUID")
    present = guarded(lambda: len(dataset.PixelData), complaint)
    if not _compressed(syntax) and present < size:
        raise InputError(
            f"{path.name} is truncated: {present} of {size} bytes of pixel data were found. Export or copy it again."
        )
    if _compressed(syntax) and present * LARGEST_COMPRESSION < size:
        raise InputError(
            f"{path.name} is truncated or damaged: {present} bytes cannot hold {_described(shape)}. Export or copy it again."
        )
    hint = "; the Python package pylibjpeg-libjpeg decodes it" if syntax in JPEG_LOSSLESS else ""
    pixels = guarded(
        lambda: np.asarray(dataset.pixel_array),
        f"The pixels of {path.name} could not be decoded ({{reason}}){hint}. Export the images uncompressed.",
    )
    if pixels.size != math.prod(shape):
        raise InputError(
            f"{path.name} decodes to {pixels.shape} pixels; the announced {_described(shape)} were expected. Export it again."
        )
    return pixels.reshape(shape)


def _announced(dataset: Dataset, path: Path) -> tuple[tuple[int, int, int], int]:
    """Shape (frame, row, column) of the pixels that a header announces, and their size in bytes.

    Raises
    ------
    InputError
        They are coloured, too many, or of a kind that no MR image has.
    """
    rows, columns = integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0
    frames = integer(dataset, "NumberOfFrames") or 1
    samples, bits = integer(dataset, "SamplesPerPixel") or 1, integer(dataset, "BitsAllocated") or 0
    if samples != 1 or not text(dataset, "PhotometricInterpretation").startswith("MONOCHROME"):
        raise InputError(f"{path.name} is a colour image; grey values were expected. Leave screenshots and colour maps out.")
    shape = frames, rows, columns
    if bits not in (8, 16, 32) or rows < 1 or columns < 1 or not 1 <= frames <= MOST_FRAMES or rows * columns > LARGEST_FRAME:
        raise InputError(
            f"{path.name} announces {_described(shape)} of {bits} bits; an MR image was expected. "
            "The header is damaged; export it again."
        )
    size = frames * rows * columns * bits // 8
    if size > LARGEST_DECODED_BYTES:
        raise InputError(
            f"{path.name} would take {size >> 30} GB in memory; a scan was expected. If the header is damaged, export it again."
        )
    return shape, size


def _described(shape: tuple[int, int, int]) -> str:
    frames, rows, columns = shape
    return f"{frames} frame(s) of {rows} x {columns} pixels"


def _compressed(syntax: str) -> bool:
    return syntax not in ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
