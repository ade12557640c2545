"""What planes of one scan have in common, and how a user names a study or series."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ..identity import IDENTITY, same_text
from .elements import text, texts

LEAST_TEXT = 2
"""Characters of a description that are enough to name a study or series by."""


@dataclass(frozen=True)
class Origin:
    """What planes of one scan have in common; '' or None where the header does not state it.

    Attributes
    ----------
    identity : tuple of (str, str)
        What an element of the header identifies, in words, and a digest of its value, which is not kept itself.
    flip_angle_deg : float or None, degrees
        Flip angle.
    repetition_ms : float or None, ms
        Repetition time.
    """

    identity: tuple[tuple[str, str], ...]
    flip_angle_deg: float | None
    repetition_ms: float | None

    @classmethod
    def of(cls, header: Any, flip_angle_deg: float | None, repetition_ms: float | None, coil: str) -> Origin:
        """Origin that a header states.

        Parameters
        ----------
        header : pydicom.Dataset
            The header.
        flip_angle_deg : float or None, degrees
            Flip angle, which may lie in a functional group.
        repetition_ms : float or None, ms
            Repetition time.
        coil : str
            Receive coil, '' where it is not stated.

        Returns
        -------
        Origin
        """
        elsewhere = {"ReceiveCoilName": (coil,)}
        stated = [(word, elsewhere.get(key) or texts(header, key)) for word, keys in IDENTITY.items() for key in keys]
        return cls(tuple((word, digest(same_text(values))) for word, values in stated), flip_angle_deg, repetition_ms)

    def agrees(self, other: Origin) -> bool:
        """Whether nothing that both state differs."""
        return not self.difference(other)

    def difference(self, other: Origin) -> str:
        """What differs, in words; '' where nothing does."""
        both = zip(self.identity, other.identity, strict=True)
        differing = list(dict.fromkeys(word for (word, a), (_, b) in both if _differ(a, b)))
        numbers = (("flip angles", "flip_angle_deg"), ("repetition times", "repetition_ms"))
        differing += [word for word, name in numbers if _differ(getattr(self, name), getattr(other, name), 0.02)]
        return " and ".join(differing)


def _differ(a: Any, b: Any, tolerance: float = 0.0) -> bool:
    """Whether two stated values differ."""
    if not a or not b:
        return False
    return bool(abs(a - b) > tolerance * max(abs(a), abs(b))) if tolerance else bool(a != b)


def digest(value: str) -> str:
    """Digest of an identifier, '' of none."""
    return hashlib.sha256(value.encode()).hexdigest()[:16] if value else ""


@dataclass(frozen=True)
class Names:
    """Names by which a user may choose a study or series.

    Attributes
    ----------
    study : tuple of str
        Study Instance UID, Study ID and Study Description.
    series : tuple of str
        Series Instance UID, Series Number and Series Description.
    """

    study: tuple[str, str, str]
    series: tuple[str, str, str]

    @classmethod
    def of(cls, header: Any) -> Names:
        """Names in a header."""
        study = (text(header, "StudyInstanceUID"), text(header, "StudyID"), text(header, "StudyDescription"))
        series = (text(header, "SeriesInstanceUID"), text(header, "SeriesNumber"), text(header, "SeriesDescription"))
        return cls(study, series)


@dataclass(frozen=True)
class ScanChoice:
    """What a user chooses of several scans.

    Attributes
    ----------
    study : str
        Number in the order of the list of what is there, Study Instance UID, Study ID or a part of the description; '' for any.
    series : str
        Series Number, Series Instance UID or a part of the description; several are separated by commas; '' for any.
    """

    study: str = ""
    series: str = ""

    def __bool__(self) -> bool:
        return bool(self.study or self.series)

    def select(self, names: Sequence[Names]) -> list[bool]:
        """Whether each of some planes belongs to what was chosen.

        Parameters
        ----------
        names : sequence of Names
            Names of each plane.

        Returns
        -------
        list of bool

        Raises
        ------
        InputError
            Nothing belongs to it.
        """
        studies = list(dict.fromkeys(name.study for name in names))
        wanted_studies = {study for study in studies if not self.study or _named(self.study, study)}
        if not wanted_studies and self.study.isdigit() and 0 < int(self.study) <= len(studies):
            wanted_studies = {studies[int(self.study) - 1]}
        wanted = [part.strip() for part in self.series.split(",") if part.strip()]
        chosen = [
            name.study in wanted_studies and (not wanted or any(_named(part, name.series) for part in wanted)) for name in names
        ]
        if not any(chosen):
            numbers = sorted({name.series[1] for name in names if name.series[1]}, key=lambda n: (len(n), n))
            raise InputError(
                f"No image is of study '{self.study or 'any'}' and series '{self.series or 'any'}'; there are {len(studies)} "
                f"studies with the series {', '.join(numbers[:20]) or 'without number'}. Name one of these by number, UID or "
                "description."
            )
        return chosen


def _named(wanted: str, names: tuple[str, str, str]) -> bool:
    uid, number, description = names
    return wanted in (uid, number) or (
        len(wanted) >= LEAST_TEXT and not wanted.isdigit() and wanted.lower() in description.lower()
    )
