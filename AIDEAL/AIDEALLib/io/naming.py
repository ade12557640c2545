"""Names of image files: part of the complex signal, echo number and series."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ..errors import InputError

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


class Part(Enum):
    """Part of the complex signal an image holds."""

    MAGNITUDE = "magnitude"
    PHASE = "phase"
    REAL = "real"
    IMAGINARY = "imaginary"
    UNMARKED = "unmarked"


_WORDS = {
    "mag": Part.MAGNITUDE,
    "magnitude": Part.MAGNITUDE,
    "abs": Part.MAGNITUDE,
    "phase": Part.PHASE,
    "pha": Part.PHASE,
    "ph": Part.PHASE,
    "real": Part.REAL,
    "re": Part.REAL,
    "imag": Part.IMAGINARY,
    "imaginary": Part.IMAGINARY,
    "im": Part.IMAGINARY,
}
_ECHO = re.compile(r"(?:(?<![a-z])echo[-_ ]?|(?<![a-z0-9])e)(\d+)(?!\d)", re.IGNORECASE)
_ENTITY = re.compile(r"(?:^|[_-])(sub|ses|acq|run|dir|rec|task)-([A-Za-z0-9]+)", re.IGNORECASE)
"""Entities of BIDS that distinguish scans."""
_ENTITY_WORDS = ("sub", "ses", "acq", "run", "dir", "rec", "task")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


@dataclass(frozen=True)
class NamedImage:
    """An image file with what its name states.

    Attributes
    ----------
    path : Path
        The file.
    part : Part
        Part of the complex signal.
    echo : int or None
        Echo number.
    series : str
        Name without part and echo.
    entities : dict of str to str
        Entities of BIDS that distinguish scans: subject, session, acquisition, run and the like.
    """

    path: Path
    part: Part
    echo: int | None
    series: str
    entities: dict[str, str] = field(default_factory=dict)

    @property
    def natural_order(self) -> tuple[tuple[int, int, str], ...]:
        """Key that sorts 2 before 10."""
        tokens = re.findall(r"\d+|\D+", stem(self.path).lower())
        return tuple((0, int(t), "") if t.isdigit() else (1, 0, t) for t in tokens)


def is_image(path: Path) -> bool:
    """True for the supported image formats, but not for segmentations and hidden files."""
    name = path.name.lower()
    return name.endswith(IMAGE_SUFFIXES) and not name.startswith(".") and ".seg." not in name


def stem(path: Path) -> str:
    """File name without its image suffix (`.nii.gz` counts as one)."""
    for suffix in IMAGE_SUFFIXES:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def parse_name(path: Path) -> NamedImage:
    """Read part and echo number from a file name (BIDS, dcm2niix, or plain words).

    Parameters
    ----------
    path : Path
        The file, which need not exist.

    Returns
    -------
    NamedImage
        What the name states.

    Examples
    --------
    `sub-1_echo-2_part-mag_MEGRE.nii.gz`, `scan_e2_ph.nii.gz`, `phase2.nrrd`, `02_real.nii`, `scanMag.nrrd`.
    """
    rest = stem(path)
    echo = None
    found = list(_ECHO.finditer(rest))
    if found:
        echo = int(found[-1][1])
        rest = rest[: found[-1].start()] + "_" + rest[found[-1].end() :]
    tokens = _TOKEN.findall(rest)
    part = Part.UNMARKED
    for position in reversed(range(len(tokens))):
        word = tokens[position].lower()
        if word in _WORDS:
            part = _WORDS[word]
            del tokens[position]
            break
    tokens = [t.lower() for t in tokens if t.lower() != "part"]
    if echo is None:
        before = ["", *tokens]
        numbers = [n for n, token in enumerate(tokens) if token.isdigit() and before[n] not in _ENTITY_WORDS]
        if numbers:
            echo = int(tokens.pop(numbers[-1]))
    entities = {key.lower(): value for key, value in _ENTITY.findall(stem(path))}
    return NamedImage(path, part, echo, "_".join(tokens), entities)


def choose_series(images: Sequence[NamedImage], where: str) -> dict[Part, list[NamedImage]]:
    """Choose the files of the one complex series among images.

    Magnitude may be unmarked where phase is marked (as dcm2niix writes it). Real and imaginary parts are preferred to magnitude
    and phase, and either to magnitudes alone, which must be marked as such or numbered by echo.

    Parameters
    ----------
    images : sequence of NamedImage
        Images of any series.
    where : str
        Where they lie, for messages.

    Returns
    -------
    dict of Part to list of NamedImage
        Files of the series by part.

    Raises
    ------
    InputError
        There is no complete pair of parts and no magnitudes, or more than one series.
    """
    by_series: dict[str, list[NamedImage]] = {}
    for image in images:
        by_series.setdefault(image.series, []).append(image)
    complete = {name: pair for name, group in by_series.items() if (pair := _pair(group))}
    if not complete:
        # scanners give phase a series number of its own: scan_20_e1.nii.gz, scan_21_e1_ph.nii.gz
        pair = _pair(list(images))
        if pair and all(len({image.series for image in group}) == 1 for group in pair.values()):
            _refuse_different_entities([image for group in pair.values() for image in group])
            complete = {"": pair}
    if not complete and not any(image.part in (Part.PHASE, Part.REAL, Part.IMAGINARY) for image in images):
        complete = {name: {Part.MAGNITUDE: group} for name, group in by_series.items() if _are_magnitudes(group)}
    if len(complete) == 1:
        return next(iter(complete.values()))
    if complete:
        listed = "; ".join(sorted(map(_described, complete.values())))
        firsts = [next(iter(pair.values()))[0].entities for pair in complete.values()]
        differing = sorted({f"'{key}-'" for own in firsts for key in own if len({other.get(key) for other in firsts}) > 1})
        reason = f" Their names differ in {', '.join(differing)}." if differing else ""
        raise InputError(
            f"{where} holds {len(complete)} multi-echo series ({listed}); one was expected.{reason} Name one file of it."
        )
    found = ", ".join(sorted({image.part.value for image in images}, key=str)) or "no images"
    raise InputError(
        f"Found only {found} in {where}; magnitude and phase, or real and imaginary images were expected, named as such "
        "(BIDS part-mag/part-phase, or words such as mag, phase, real, imag). Add the missing ones, or rename the files."
    )


def _described(pair: Mapping[Part, Sequence[NamedImage]]) -> str:
    """First file of a series, what BIDS entities distinguish it within a session, its parts and echoes."""
    first, *_ = pair.values()
    own = [f"{key}-{value}" for key, value in first[0].entities.items() if key in ("acq", "rec", "dir", "run")]
    return ", ".join(
        [f"{first[0].path.name} ...", *own, " + ".join(part.value for part in pair), f"{len(first)} image(s) each"]
    )


def _refuse_different_entities(images: Sequence[NamedImage]) -> None:
    """Refuse parts that the entities of BIDS in their names assign to different scans."""
    for entity in sorted({entity for image in images for entity in image.entities}):
        values = sorted({image.entities[entity] for image in images if entity in image.entities})
        if len(values) > 1:
            raise InputError(
                f"The images are of {len(values)} different scans: their names differ in '{entity}-' ({len(values)} values). "
                "Magnitude and phase, or real and imaginary images of one scan were expected. Name the files of one."
            )


def _are_magnitudes(group: Sequence[NamedImage]) -> bool:
    marked = all(image.part is Part.MAGNITUDE for image in group)
    numbered = len(group) > 1 and all(image.echo is not None for image in group)
    return marked or (numbered and all(image.part is Part.UNMARKED for image in group))


def _pair(group: Sequence[NamedImage]) -> dict[Part, list[NamedImage]] | None:
    by_part: dict[Part, list[NamedImage]] = {}
    for image in group:
        by_part.setdefault(image.part, []).append(image)
    if Part.REAL in by_part and Part.IMAGINARY in by_part:
        return {part: by_part[part] for part in (Part.REAL, Part.IMAGINARY)}
    magnitude = by_part.get(Part.MAGNITUDE) or by_part.get(Part.UNMARKED)
    if magnitude and Part.PHASE in by_part:
        return {Part.MAGNITUDE: magnitude, Part.PHASE: by_part[Part.PHASE]}
    return None
