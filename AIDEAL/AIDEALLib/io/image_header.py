"""What the header of an image, or the BIDS sidecar beside it, states of the acquisition."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..advice import advise
from ..errors import InputError
from .contrast_words import described_with_contrast
from .naming import stem
from .sequence_words import other_sequence
from .sizes import check_regular

LARGEST_SIDECAR_BYTES = 1 << 20


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
    other_sequence : str
        Kind of the pulse sequence, where it is stated to be no spoiled gradient echo.
    """

    flip_angle_deg: float | None
    repetition_time_s: float | None
    contrast_agent: bool | None
    other_sequence: str


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
        _contrast_agent(sidecar),
        other_sequence(lambda keyword: str(sidecar.get(keyword, ""))),
    )


def _contrast_agent(sidecar: Mapping[str, Any]) -> bool | None:
    described = described_with_contrast(*(str(sidecar.get(key, "")) for key in ("SeriesDescription", "ProtocolName")))
    stated = [bool(sidecar[key]) for key in ("ContrastBolusIngredient", "ContrastBolusAgent") if key in sidecar]
    return (any(stated) or described) if stated or described else None


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
