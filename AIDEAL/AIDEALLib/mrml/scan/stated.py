"""Protocol of a scan as the attributes and DICOM headers of its nodes state it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import slicer

from ...choices import PhaseUnit, Readout
from ...echoes import PhaseSign
from ...io.dicom.parts import part_of_image_type
from ...io.naming import Part, parse_name
from ...io.neutral import SCAN
from ...options import Overrides
from .. import nodes

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True)
class Stated:
    """Protocol of a scan besides its echo times.

    Attributes
    ----------
    field_strength_t : float or None, tesla
        Main field.
    phase_unit : PhaseUnit or None
        Unit of phase volumes; None has their values decide.
    readout : Readout
        How the echoes were read out.
    phase_sign : PhaseSign or None
        Rotation sense of the phase.
    flip_angle_deg : float or None, degrees
        Of the excitation.
    repetition_time_s : float or None, seconds
        Of the excitation.
    contrast_agent : bool or None
        Whether a contrast agent was given.
    source : str
        Origin of the scan, for provenance.
    notes : tuple of str
        Notes of the reader.
    echo_numbers : tuple of int
        Number of each echo in the acquisition, () where none are stated.
    other_sequence : str
        Kind of the pulse sequence, where it is no spoiled gradient echo.
    """

    field_strength_t: float | None = None
    phase_unit: PhaseUnit | None = None
    readout: Readout = Readout.UNKNOWN
    phase_sign: PhaseSign | None = None
    flip_angle_deg: float | None = None
    repetition_time_s: float | None = None
    contrast_agent: bool | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    echo_numbers: tuple[int, ...] = ()
    other_sequence: str = ""


def stated(chosen: Sequence[Any], overrides: Overrides) -> Stated:
    """Protocol that nodes state, or the overrides where there are any."""
    repetition_ms = _dicom_number(chosen, "0018,0080")
    return Stated(
        field_strength_t=overrides.field_strength_t
        or _number(chosen, nodes.FIELD_STRENGTH)
        or _dicom_number(chosen, "0018,0087"),
        phase_unit=overrides.phase_unit or _choice(PhaseUnit, chosen, nodes.PHASE_UNIT),
        readout=overrides.readout or _choice(Readout, chosen, nodes.READOUT) or Readout.UNKNOWN,
        phase_sign=_choice(PhaseSign, chosen, nodes.PHASE_SIGN),
        flip_angle_deg=overrides.flip_angle_deg or _number(chosen, nodes.FLIP_ANGLE) or _dicom_number(chosen, "0018,1314"),
        repetition_time_s=overrides.repetition_time_s
        or _number(chosen, nodes.REPETITION_TIME)
        or (repetition_ms / 1000 if repetition_ms else None),
        contrast_agent=_contrast_agent(chosen),
        source=_text(chosen, nodes.SCAN_SOURCE) or SCAN,
        notes=tuple(_json_list(_text(chosen, nodes.NOTES))),
        echo_numbers=tuple(_json_list(_text(chosen, nodes.ECHO_NUMBERS))),
        other_sequence=_text(chosen, nodes.OTHER_SEQUENCE),
    )


def override_times(known: Sequence[float | None], typed: Sequence[float | None], count: int) -> tuple[float | None, ...]:
    """Echo times with those typed by hand.

    Parameters
    ----------
    known : sequence of float or None, seconds
        Echo times of the scan.
    typed : sequence of float or None, seconds
        Echo times that override them one by one.
    count : int
        Number of echoes.

    Returns
    -------
    tuple of float or None, seconds
        Echo times, None where unknown.
    """
    padded = [[*times, *[None] * count][:count] for times in (typed, known)]
    return tuple(by_hand if by_hand is not None else own for by_hand, own in zip(*padded, strict=True))


def declared_part(node: Any) -> Part | None:
    """Part of the signal that a node's attribute or DICOM header declares."""
    if node is None:
        return None
    text = node.GetAttribute(nodes.PART)
    return Part(text) if text in {p.value for p in Part} else _dicom_part(node)


def named_part(node: Any) -> Part | None:
    """Part of the signal that a node's name shows."""
    part = parse_name(Path(f"{node.GetName()}.nrrd")).part if node is not None else Part.UNMARKED
    return None if part is Part.UNMARKED else part


def volume_echo_time_s(volume: Any) -> float | None:
    """Echo time of a volume: from its attribute or its DICOM header; None when neither has it."""
    try:
        return seconds(float(volume.GetAttribute(nodes.ECHO_TIME_MS) or _dicom(volume, "0018,0081")))
    except ValueError:
        return None


def seconds(milliseconds: float) -> float:
    """Seconds by decimal arithmetic: 9.7 ms are 0.0097 s, from which 9.7 / 1000 differs in the last bit."""
    return float(Decimal(repr(milliseconds)).scaleb(-3))


def common_name(chosen: Sequence[Any]) -> str:
    """Name of a scan: from an attribute, else the beginning that the names of its nodes share."""
    stored = _text(chosen, nodes.SOURCE_NAME)
    if stored or not chosen:
        return stored
    names = [node.GetName() or "" for node in chosen]
    prefix = names[0]
    for name in names[1:]:
        while not name.startswith(prefix):
            prefix = prefix[:-1]
    return prefix.strip(" _-:") or names[0]


def numbers(node: Any, attribute: str) -> tuple[float, ...]:
    """Numbers in an attribute; () where it holds none."""
    try:
        return tuple(float(value) for value in _json_list(node.GetAttribute(attribute) or ""))
    except (TypeError, ValueError):
        return ()


def _json_list(text: str) -> list[Any]:
    try:
        content = json.loads(text or "[]")
    except ValueError:
        return []
    return content if isinstance(content, list) else []


def _text(chosen: Sequence[Any], attribute: str) -> str:
    return next((text for text in (node.GetAttribute(attribute) for node in chosen) if text), "")


def _number(chosen: Sequence[Any], attribute: str) -> float | None:
    for node in chosen:
        try:
            return float(node.GetAttribute(attribute))
        except (TypeError, ValueError):
            continue
    return None


def _choice(kind: type[E], chosen: Sequence[Any], attribute: str) -> E | None:
    text = _text(chosen, attribute)
    return next((member for member in kind if member.value == text), None)


def _dicom(volume: Any, tag: str) -> str:
    """Value of a DICOM tag of the first file a volume came from, '' when it came from elsewhere."""
    uids = volume.GetAttribute("DICOM.instanceUIDs")
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return ""
    return str(database.instanceValue(uids.split()[0], tag) or "")


def _dicom_number(volumes: Sequence[Any], tag: str) -> float | None:
    text = next((t for t in (_dicom(volume, tag) for volume in volumes) if t), "")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _contrast_agent(chosen: Sequence[Any]) -> bool | None:
    number = _number(chosen, nodes.CONTRAST_AGENT)
    if number is not None:
        return bool(number)
    return True if any(_dicom(volume, "0018,0010") for volume in chosen) else None


def _dicom_part(volume: Any) -> Part | None:
    return part_of_image_type(_dicom(volume, "0008,0008").split("\\"))
