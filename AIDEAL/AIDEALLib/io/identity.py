"""What is equal in all images of one scan, under the names that DICOM, and sidecars made from it, give it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import InputError

IDENTITY = {
    "patients": ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    "studies": ("StudyInstanceUID",),
    "positions of the patient": ("FrameOfReferenceUID", "PatientPosition"),
    "scanners": ("DeviceSerialNumber",),
    "sequences": ("ScanningSequence",),
    "coils": ("ReceiveCoilName",),
}
"""Elements by what differs where they are not equal."""
SAME_TIME_S, LONGEST_APART_S = 0.01, 15.0
"""Parts of one acquisition state one time, or, of slices in turn, times within a breath hold; a repeat begins later."""


def same_text(values: Iterable[str]) -> str:
    """Text of an element without what programs write differently: case, spaces, carets."""
    return "".join(c for value in values for c in value.upper() if c.isalnum() or c == ".")


def refuse_other_origin(sidecars: Sequence[Mapping[str, Any]]) -> None:
    """Compare what the sidecars of a scan state of patient, study, scanner, coil and sequence.

    Parameters
    ----------
    sidecars : sequence of Mapping
        Content of each; {} for none.

    Raises
    ------
    InputError
        Two of them differ in what both state.
    """
    differing = [
        word
        for word, keys in IDENTITY.items()
        if any(len({same_text(_texts(s[key])) for s in sidecars if s.get(key)}) > 1 for key in keys)
    ]
    if differing:
        raise InputError(
            f"The sidecars state different {' and '.join(differing)}; images of one scan were expected. Name the files of one."
        )


def refuse_other_acquisition(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> None:
    """Compare number and time of the acquisition of two parts of the signal, such as magnitude and phase.

    Parameters
    ----------
    first, second : sequence of Mapping
        Sidecars of each part.

    Raises
    ------
    InputError
        They have no number in common, and no time; or their times are further apart than images of one acquisition are.
    """
    a, b = ({str(sidecar.get("AcquisitionNumber", "")) for sidecar in sidecars} - {""} for sidecars in (first, second))
    numbers_differ = bool(a and b and not a & b)
    times = [[t for sidecar in sidecars if (t := _second_of_day(sidecar)) is not None] for sidecars in (first, second)]
    apart_s = min((abs(x - y) for x in times[0] for y in times[1]), default=SAME_TIME_S if numbers_differ else 0.0)
    if apart_s >= (SAME_TIME_S if numbers_differ else LONGEST_APART_S):
        raise InputError(
            "The sidecars state that both parts of the signal, such as magnitude and phase, are of different acquisitions; "
            "those of one were expected. Name its files."
        )


def _second_of_day(sidecar: Mapping[str, Any]) -> float | None:
    found = re.fullmatch(r"(\d\d):?(\d\d):?(\d\d(?:\.\d*)?)", str(sidecar.get("AcquisitionTime", "")).strip())
    return 3600 * int(found[1]) + 60 * int(found[2]) + float(found[3]) if found else None


def _texts(value: Any) -> Iterator[str]:
    yield from map(str, value if isinstance(value, list) else [value])
