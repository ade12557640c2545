"""What a file states of its size, checked against the file, the memory and its kind before anything of it is read."""

from __future__ import annotations

import gzip
import math
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InputError
from .memory import available_bytes

LARGEST_SCAN_BYTES = 8 << 30
LARGEST_SHARE_OF_MEMORY = 0.5
MOST_DEFLATED = 1100
"""A deflated byte unfolds to at most 1032."""
LONGEST_HEADER_BYTES = 1 << 20
MOST_PARTS = 10_000
_NRRD_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64"), 8),
    **dict.fromkeys(("int64_t", "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), 8),
    **dict.fromkeys(("double",), 8),
}
_META_BYTES = {
    "CHAR": 1,
    "UCHAR": 1,
    "SHORT": 2,
    "USHORT": 2,
    "INT": 4,
    "UINT": 4,
    "LONG": 8,
    "ULONG": 8,
    "FLOAT": 4,
    "DOUBLE": 8,
}


def check_file(path: Path) -> None:
    """Check a file before it is read.

    Parameters
    ----------
    path : Path
        File of any format read here.

    Raises
    ------
    InputError
        It is no regular file, its name is no text, its header is damaged, its data lie elsewhere or are not all there, or it
        would unfold to more than `largest_bytes`.
    """
    check_regular(path)
    name = path.name.lower()
    for suffixes, check in _CHECKS:
        if name.endswith(suffixes):
            try:
                check(path)
            except (OSError, EOFError, ValueError, OverflowError, zlib.error, struct.error, zipfile.BadZipFile) as error:
                reason = " ".join(str(error).split())[:160] or type(error).__name__
                raise InputError(
                    f"{path.name} could not be read (damaged header, {reason}); a complete file was expected. Copy it again."
                ) from error


def check_regular(path: Path) -> None:
    """Refuse pipes, devices and the like, which would be read without end, and names that libraries in C cannot take."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The name of a file or folder has bytes that are no text (UTF-8). Rename it.") from error
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{path.name} is no regular file; the file of a scan was expected. Name another.")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path.name} cannot be read (Permission denied).")


def largest_bytes() -> int:
    """Bytes that the values of a scan may take in memory."""
    return min(LARGEST_SCAN_BYTES, int(LARGEST_SHARE_OF_MEMORY * available_bytes()))


def _check_unfolded(path: Path, unfolded: int, stored: int | None, packed: bool) -> None:
    """Check the bytes that a header states against the limit, and against the bytes stored (None where they are unknown)."""
    if unfolded <= 0:
        raise InputError(f"{path.name} states a size of {unfolded} bytes; an image was expected. Export it again.")
    if unfolded > largest_bytes():
        raise InputError(
            f"{path.name} would take {unfolded / (1 << 30):.1f} GB in memory; at most {largest_bytes() / (1 << 30):.1f} GB are "
            "allowed. The header is damaged, or the file is no scan of one liver."
        )
    if stored is not None and unfolded > stored * (MOST_DEFLATED if packed else 1):
        raise InputError(
            f"{path.name} is truncated or damaged: {stored} bytes cannot hold the {unfolded} that its header states. Export "
            "or copy it again."
        )


def _check_npz(path: Path) -> None:
    from .npz import OPTIONAL, REQUIRED

    wanted = {f"{name}.npy" for name in (*REQUIRED, *OPTIONAL)}
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if len(parts) > MOST_PARTS:
            raise InputError(f"{path.name} has {len(parts)} parts; a scan has few. Write it again.")
        chosen = [part for part in parts if part.filename in wanted]
        if len({part.filename for part in chosen}) < len(chosen):
            raise InputError(f"{path.name} holds an array twice. Write it again.")
        _check_unfolded(path, sum(part.file_size for part in chosen) or 1, None, packed=True)
        for part in chosen:
            _check_unfolded(path, part.file_size or 1, part.compress_size, packed=part.compress_type != zipfile.ZIP_STORED)
            with archive.open(part) as stream:
                version = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, _, dtype = read(stream)
            if dtype.hasobject or math.prod(shape) * dtype.itemsize > part.file_size:
                raise InputError(
                    f"{path.name} states a shape of {shape} for an array of {part.file_size} bytes. Write it again."
                )


def _check_matlab(path: Path) -> None:
    size = path.stat().st_size
    total = 0
    with path.open("rb") as stream:
        header = stream.read(128)
        order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
        if order is None:  # version 4, or none at all: the reader decides, within its limits
            return
        while (place := stream.tell()) + 8 <= size:
            kind, length = struct.unpack(order + "II", stream.read(8))
            if length > size - place - 8:
                raise InputError(f"{path.name} is truncated: an array of {length} bytes was announced. Save or copy it again.")
            total += length
            if kind == 15:  # compressed: the first bytes of what it unfolds to state its length
                start = zlib.decompressobj().decompress(stream.read(min(length, 1024)), 8)
                inner = struct.unpack(order + "II", start)[1] if len(start) == 8 else 0
                _check_unfolded(path, inner or 1, length, packed=True)
                total += inner
            stream.seek(place + 8 + length)
    _check_unfolded(path, total or 1, None, packed=True)


def _check_nifti(path: Path) -> None:
    packed = path.name.lower().endswith(".gz")
    with gzip.open(path) if packed else path.open("rb") as stream:
        head = stream.read(540)
    for order in "<>":
        (size,) = struct.unpack(order + "i", head[:4])
        if size == 348:
            dims, (_, bits) = struct.unpack(order + "8h", head[40:56]), struct.unpack(order + "2h", head[70:74])
        elif size == 540:
            dims, (_, bits) = struct.unpack(order + "8q", head[16:80]), struct.unpack(order + "2h", head[12:16])
        else:
            continue
        if not 1 <= dims[0] <= 7 or bits not in (1, 8, 16, 24, 32, 64, 96, 128, 192, 256):
            raise InputError(f"{path.name} states {dims[0]} axes of {bits} bits; an image was expected. Export it again.")
        _check_unfolded(path, _product(dims[1 : dims[0] + 1]) * bits // 8, path.stat().st_size, packed)
        return
    raise InputError(f"{path.name} does not begin as NIfTI does; it is damaged or of another format.")


def _check_nrrd(path: Path) -> None:
    text, begin = _text_header(path, re.compile(rb"\r?\n\r?\n"))
    if not text.startswith("NRRD000"):
        raise InputError(f"{path.name} does not begin as NRRD does; it is damaged or of another format.")
    lines = (re.match(r"([a-z ]+): ?(.*)", line, re.IGNORECASE) for line in text.splitlines()[1:] if not line.startswith("#"))
    fields = {line[1].lower().replace(" ", ""): line[2].strip() for line in lines if line}
    kind = _NRRD_BYTES.get(fields.get("type", "").lower())
    if kind is None:
        raise InputError(f"{path.name} states values of type {_short(fields.get('type'))}; numbers were expected.")
    data = _data_file(path, fields.get("datafile"))
    encoding = fields.get("encoding", "").lower()
    stored = data.stat().st_size - (begin if data == path else 0)
    packed = encoding in ("gz", "gzip")
    bounded = None if encoding in ("bz2", "bzip2") else 2 * stored if encoding not in ("raw", "gz", "gzip") else stored
    _check_unfolded(path, _product(fields.get("sizes", "").split()) * kind, bounded, packed)


def _check_meta(path: Path) -> None:
    text, begin = _text_header(path, re.compile(rb"ElementDataFile[^\n]*\n?", re.IGNORECASE))
    pairs = (line.partition("=") for line in text.splitlines())
    fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
    kind = _META_BYTES.get(fields.get("elementtype", "").upper().removeprefix("MET_").removesuffix("_ARRAY"))
    if kind is None:
        raise InputError(f"{path.name} states values of type {_short(fields.get('elementtype'))}; numbers were expected.")
    named = fields.get("elementdatafile")
    data = _data_file(path, None if (named or "").upper() == "LOCAL" else named or "?")
    packed = fields.get("compresseddata", "").lower() == "true"
    channels = int(fields.get("elementnumberofchannels", "1"))
    stored = data.stat().st_size - (begin if data == path else 0)
    bounded = stored if fields.get("binarydata", "true").lower() == "true" else 2 * stored
    _check_unfolded(path, _product(fields.get("dimsize", "").split()) * kind * channels, bounded, packed)


def _text_header(path: Path, end: re.Pattern[bytes]) -> tuple[str, int]:
    """Header of a file up to and including a mark, and where it ends."""
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER_BYTES)
    found = end.search(start)
    stop = found.end() if found else len(start)
    if found is None and len(start) == LONGEST_HEADER_BYTES:
        raise InputError(f"{path.name} has no end of its header; it is damaged or of another format.")
    return start[:stop].decode("latin-1"), stop


def _data_file(header: Path, named: str | None) -> Path:
    """File that holds the values: the header's own, or one beside it."""
    if named is None:
        return header
    if not named or set(named) & set("/\\:%*?") or named in (".", "..") or re.fullmatch(r"LIST( \d+)?", named):
        raise InputError(
            f"{header.name} names data that are not one file beside it; that alone is read. Export the image as a single file."
        )
    data = header.with_name(named)
    check_regular(data)
    return data


def _product(sizes: tuple[int, ...] | list[str]) -> int:
    numbers = [int(size) for size in sizes]
    if not numbers or min(numbers) < 1:
        raise ValueError(f"sizes {numbers[:8]}")
    return math.prod(numbers)


def _short(text: str | None) -> str:
    return repr(text) if re.fullmatch(r"[a-z0-9_ ]{0,20}", text or "", re.IGNORECASE) else "unknown"


_CHECKS: tuple[tuple[tuple[str, ...], Callable[[Path], None]], ...] = (
    ((".npz",), _check_npz),
    ((".mat",), _check_matlab),
    ((".nii", ".nii.gz"), _check_nifti),
    ((".nrrd", ".nhdr"), _check_nrrd),
    ((".mha", ".mhd"), _check_meta),
)
