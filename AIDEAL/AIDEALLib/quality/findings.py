"""A finding, and the list of them that goes with a result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import Advice, Wording, advise, plain_words


class Severity(Enum):
    """`STOP`: the numbers mean nothing; `WARN`: they may be wrong, look; `INFO`: something was done or should be known."""

    STOP = "stop"
    WARN = "warn"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One thing a reader should know before trusting a number.

    Attributes
    ----------
    code : str
        Short name that does not change between versions.
    severity : Severity
        How bad it is.
    sentence : str
        What was found.
    advice : Advice
        What to do.
    slices : tuple of int
        Numbers of the slices concerned, from 0; empty for the whole scan.
    voxels : int
        Number of voxels concerned, where it is known.
    area_mm2 : float, mm^2
        Area concerned, where it is known.
    box : tuple of int
        First and last row, first and last column of the place, from 0; empty where it is spread over the slices.
    cause : str
        Code of the finding that this one follows from; '' where there is none.
    """

    code: str
    severity: Severity
    sentence: str
    advice: Advice
    slices: tuple[int, ...] = ()
    voxels: int = 0
    area_mm2: float = 0.0
    box: tuple[int, ...] = ()
    cause: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain types."""
        return {**asdict(self), "severity": self.severity.value, "slices": list(self.slices), "box": list(self.box)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Finding:
        """Finding from what `as_dict` returned."""
        advice = Advice.from_dict(content["advice"])
        converted = {"severity": Severity(content["severity"]), "advice": advice, "slices": tuple(content["slices"])}
        converted["box"] = tuple(content.get("box", ()))  # version 0.1 had none
        return cls(**{**content, **converted})

    @property
    def without_place(self) -> str:
        """Sentence without rows and columns, for front ends that go to the place."""
        return self.sentence.replace(rows_and_columns(self.box), "") if self.box else self.sentence

    def worded(self, wording: Wording = plain_words) -> str:
        """Sentence and advice, with options named in the words of a front end."""
        return f"{self.sentence} {self.advice.worded(wording)}"


@dataclass(frozen=True)
class QualityReport:
    """Findings, the worst first, and what to expect of the protocol.

    Attributes
    ----------
    findings : tuple of Finding
        The worst first.
    expected : dict of str to float
        SNR found, and the least PDFF standard deviation of a voxel (points) that it allows at some fat fractions.
    usability : dict
        Which regions have no number (`statistics.Usability`), in plain types.
    """

    findings: tuple[Finding, ...]
    expected: dict[str, float] = field(default_factory=dict)
    usability: dict[str, Any] = field(default_factory=dict)

    def codes(self) -> set[str]:
        """Codes of the findings."""
        return {finding.code for finding in self.findings}

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return {"findings": [finding.as_dict() for finding in self.findings], "expected": self.expected}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> QualityReport:
        """Report from what `as_dict` returned."""
        return cls(tuple(Finding.from_dict(f) for f in content["findings"]), dict(content["expected"]))

    @property
    def unusable(self) -> bool:
        """True where a finding says that the numbers mean nothing."""
        return any(finding.severity is Severity.STOP for finding in self.findings)

    def save(self, path: Path) -> None:
        """Write as JSON."""
        text = json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"
        path.write_bytes(text.encode("utf-8", "backslashreplace"))


NO_ACTION = advise("Nothing to do.")
"""Advice of a finding that needs no action of its own."""


def rows_and_columns(box: tuple[int, ...]) -> str:
    """The place of a finding as part of its sentence, '' for none."""
    return ", rows {} to {}, columns {} to {}".format(*box) if box else ""


def slices_of(where: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """Numbers of the slices in which a mask (slice, row, column) is set."""
    return tuple(int(s) for s in np.flatnonzero(where.any(axis=(1, 2))))
