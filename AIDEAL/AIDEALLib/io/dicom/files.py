"""DICOM files, opened with care: nothing a file holds may crash, hang or flood the reader."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from ...errors import InputError

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

_T = TypeVar("_T")


def has_dicom_magic(path: Path) -> bool:
    """True when the file carries 'DICM' after its 128-byte preamble."""
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def dicom_files(paths: Sequence[Path]) -> list[Path]:
    """The DICOM files named, and those in the folders named, at any depth.

    Raises
    ------
    InputError
        A file named by itself is not DICOM, or a folder holds far too many files.
    """
    found: list[Path] = []
    looked_at = 0
    for path in paths:
        if not path.is_dir():
            if not has_dicom_magic(path):
                raise InputError(
                    f"{path.name} is no DICOM file (no 'DICM' at byte 128); all files named together must be DICOM. "
                    "Leave it out, or export it again."
                )
            found.append(path)
            continue
        for entry in sorted(path.rglob("*")):
            looked_at += 1
            if looked_at > MOST_FILES:
                raise InputError(
                    f"{path} holds more than {MOST_FILES} files; the folder of one scan was expected. Name its own folder."
                )
            if entry.is_file() and has_dicom_magic(entry):
                found.append(entry)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Pydicom warns of what it mends on reading; what matters to an estimate is checked here instead."""
    import logging

    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _guarded(action: Callable[[], _T], complaint: str) -> _T:
    """Run foreign code on foreign data; whatever it raises becomes our own error with a short reason."""
    try:
        with _quiet():
            return action()
    except (InputError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # decoders written in Rust panic with an exception that is no Exception
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(complaint.format(reason=reason)) from error


def read_header(path: Path) -> Dataset:
    """Everything before the pixels.

    Raises
    ------
    InputError
        The file is damaged, too large, or deflated.
    """
    import pydicom
    from pydicom.filereader import read_file_meta_info

    complaint = f"{path.name} could not be read as DICOM ({{reason}}); is it complete? Export or copy it again."
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise InputError(f"{path.name} is larger than {LARGEST_FILE_BYTES >> 30} GB; a scan was expected.")
    meta = _guarded(lambda: read_file_meta_info(path), complaint)
    if text(meta, "TransferSyntaxUID") == DEFLATED:
        raise InputError(
            f"{path.name} is stored in the deflated transfer syntax, which is not read here. Export it uncompressed."
        )
    header = _guarded(lambda: pydicom.dcmread(path, stop_before_pixels=True, defer_size=1 << 20), complaint)
    _guarded(lambda: list(header.keys()), complaint)
    return header


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Stored values (frame, row, column) of a file, decoded but not rescaled.

    Raises
    ------
    InputError
        There are no pixels, they are truncated, coloured or too many, or no decoder for their compression is installed.
    """
    import pydicom

    complaint = f"{path.name} could not be read as DICOM ({{reason}}); is it complete? Export or copy it again."
    dataset = _guarded(lambda: pydicom.dcmread(path), complaint)
    if not _guarded(lambda: "PixelData" in dataset, complaint):
        raise InputError(f"{path.name} holds no pixel data; an image was expected. Leave the file out, or export it again.")
    rows, columns = integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0
    frames = integer(dataset, "NumberOfFrames") or 1
    samples, bits = integer(dataset, "SamplesPerPixel") or 1, integer(dataset, "BitsAllocated") or 0
    if samples != 1 or not text(dataset, "PhotometricInterpretation").startswith("MONOCHROME"):
        raise InputError(f"{path.name} is a colour image; grey values were expected. Leave screenshots and colour maps out.")
    if bits not in (8, 16, 32) or rows < 1 or columns < 1 or not 1 <= frames <= MOST_FRAMES or rows * columns > LARGEST_FRAME:
        raise InputError(
            f"{path.name} says it has {frames} frame(s) of {rows} x {columns} pixels of {bits} bits; an MR image was expected. "
            "The header is damaged; export it again."
        )
    size = frames * rows * columns * bits // 8
    if size > LARGEST_DECODED_BYTES:
        raise InputError(f"{path.name} would take {size >> 30} GB in memory; a scan was expected. Is the header damaged?")
    syntax = text(getattr(dataset, "file_meta", None), "TransferSyntaxUID")
    present = _guarded(lambda: len(dataset.PixelData), complaint)
    if not _compressed(syntax) and present < size:
        raise InputError(
            f"{path.name} is truncated: {present} of {size} bytes of pixel data are there. Export or copy it again."
        )
    if _compressed(syntax) and present * 20_000 < size:
        raise InputError(
            f"{path.name} is truncated or damaged: {present} bytes cannot hold {frames} frame(s) of {rows} x {columns} pixels. "
            "Export or copy it again."
        )
    hint = "; pip install pylibjpeg-libjpeg reads it" if syntax in JPEG_LOSSLESS else ""
    pixels = _guarded(
        lambda: np.asarray(dataset.pixel_array),
        f"The pixels of {path.name} could not be decoded ({{reason}}){hint}. Export the images uncompressed.",
    )
    if pixels.size != frames * rows * columns:
        raise InputError(f"{path.name} decodes to {pixels.shape} pixels, {frames} x {rows} x {columns} were announced.")
    return pixels.reshape(frames, rows, columns)


def _compressed(syntax: str) -> bool:
    return syntax not in ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def value(dataset: Any, key: str | tuple[int, int]) -> Any:
    """An element's value by keyword or tag, None when it is absent, empty or garbage."""
    if dataset is None:
        return None
    try:
        with _quiet():
            if isinstance(key, str):
                found = dataset.get(key)
            else:
                element = dataset.get(key)
                found = None if element is None else element.value
    except Exception:
        return None
    return None if found is None or (isinstance(found, str | bytes) and not found) else found


def text(dataset: Any, key: str | tuple[int, int]) -> str:
    """An element as text, '' when there is none."""
    return _plain(value(dataset, key))


def _plain(found: Any) -> str:
    """A single string or number as text; '' for anything else (a sequence where text was expected)."""
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    return str(found).strip("\0 ")[:1024] if isinstance(found, str | int | float) else ""


def texts(dataset: Any, key: str | tuple[int, int]) -> tuple[str, ...]:
    """The values of a multi-valued text element, in capitals."""
    found = value(dataset, key)
    if found is None:
        return ()
    if isinstance(found, bytes):
        found = found.decode("latin-1")
    if isinstance(found, str):
        found = found.split("\\")
    try:
        return tuple(_plain(item).upper() for item in list(found)[:64])
    except TypeError:
        return ()


def numbers(dataset: Any, key: str | tuple[int, int], count: int | None = None) -> tuple[float, ...] | None:
    """The values of a numeric element, None when it is absent, garbage, not finite or not `count` of them."""
    found = value(dataset, key)
    if found is None:
        return None
    if isinstance(found, bytes):
        found = found.decode("latin-1").strip("\0 ").split("\\")
    if isinstance(found, str):
        found = found.strip("\0 ").split("\\")
    try:
        items = tuple(float(v) for v in (found if hasattr(found, "__iter__") else (found,)))
    except (TypeError, ValueError, OverflowError):
        return None
    if not items or not all(math.isfinite(v) for v in items) or (count is not None and len(items) != count):
        return None
    return items


def number(dataset: Any, key: str | tuple[int, int]) -> float | None:
    """The first value of a numeric element, None when there is none."""
    found = numbers(dataset, key)
    return found[0] if found else None


def integer(dataset: Any, key: str | tuple[int, int]) -> int | None:
    """The first value of an integer element, None when there is none."""
    found = number(dataset, key)
    return int(found) if found is not None and abs(found) < 2**53 else None


def items(dataset: Any, key: str | tuple[int, int]) -> list[Any]:
    """The items of a sequence, [] when there is none."""
    found = value(dataset, key)
    try:
        return list(found) if found is not None and not isinstance(found, str | bytes) else []
    except TypeError:
        return []
