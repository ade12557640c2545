"""Segments with their voxels, which may overlap, and the lobes and the liver that several of them make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .liver_parts import LiverPart, liver_groups, liver_part
from .map_arrays import BoolArray


@dataclass(frozen=True, eq=False)
class Segment:
    """A segment on the grid of a scan.

    Attributes
    ----------
    name : str
        Its name, which no other segment of the scan has (`unique_names`).
    mask : np.ndarray, shape (slice, row, column), bool
        Its voxels.
    terminology : str
        Terminology entry, by which liver is recognised where the name leaves it open; '' where it has none.
    members : tuple of str
        Names of the segments that it is made of; () for one that was drawn.
    """

    name: str
    mask: BoolArray
    terminology: str = ""
    members: tuple[str, ...] = ()

    @property
    def part(self) -> LiverPart | None:
        """Part of the liver that it is, None where it is none (`liver_part`)."""
        return LiverPart.LIVER if self.members else liver_part(self.name, self.terminology)


def segments_of(
    labels: npt.NDArray[np.integer], names: Mapping[int, str], terminology: Mapping[int, str] | None = None
) -> list[Segment]:
    """Segments of a label map, in label order.

    Parameters
    ----------
    labels : np.ndarray, shape (slice, row, column), int
        Segment of each voxel; 0 is none.
    names : Mapping[int, str]
        Name of each label; labels without voxels give empty segments.
    terminology : Mapping[int, str], optional
        Terminology entry of each label.

    Returns
    -------
    list of Segment
    """
    known = terminology or {}
    return [Segment(name, np.asarray(labels == label), known.get(label, "")) for label, name in sorted(names.items())]


def with_groups(segments: Sequence[Segment], measurable: BoolArray) -> list[Segment]:
    """Segments, then the lobes and the liver that several of them make (`liver_groups`), each voxel counting once.

    Parameters
    ----------
    segments : sequence of Segment
        Segments.
    measurable : np.ndarray, shape (slice, row, column), bool
        Voxels with an estimate. A segment without any is no part of what it makes with others: it would add volume without a
        value.

    Returns
    -------
    list of Segment
    """
    groups = liver_groups(
        dict(enumerate(s.name for s in segments)), {n: s.terminology for n, s in enumerate(segments) if s.terminology}
    )
    found = list(segments)
    for name, numbers in groups.items():
        members = [segments[n] for n in numbers]
        filled = [s.mask for s in members if np.any(s.mask & measurable)]
        mask = np.any(filled, axis=0) if filled else np.zeros(measurable.shape, np.bool_)
        found.append(Segment(name, np.asarray(mask), members=tuple(s.name for s in members)))
    return found


def unique_names(names: Iterable[str]) -> list[str]:
    """Names of which no two are equal: 'Liver', 'Liver (2)', 'Liver (3)'."""
    given = list(names)
    taken: set[str] = set()
    found = []
    for name in given:
        unique, number = name, 1
        while unique in taken or (number > 1 and unique in given):
            number += 1
            unique = f"{name} ({number})"
        taken.add(unique)
        found.append(unique)
    return found
