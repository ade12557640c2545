"""What is equal in all images of one scan, under the names that DICOM, and sidecars made from it, give it."""

from __future__ import annotations

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
        They have no number in common, and no time.
    """
    for key in ("AcquisitionNumber", "AcquisitionTime"):
        a, b = ({str(sidecar.get(key, "")) for sidecar in sidecars} - {""} for sidecars in (first, second))
        if a & b or (key == "AcquisitionNumber" and not (a and b)):
            return
    raise InputError(
        "The sidecars state that both parts of the signal, such as magnitude and phase, are of different acquisitions; those "
        "of one were expected. Name its files."
    )


def _texts(value: Any) -> Iterator[str]:
    yield from map(str, value if isinstance(value, list) else [value])
