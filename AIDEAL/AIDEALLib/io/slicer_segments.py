"""Segments that the header of a Slicer segmentation (.seg.nrrd) describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..escaping import plain
from .label_names import LONGEST_NAME


@dataclass(frozen=True)
class HeaderSegment:
    """A segment in a header.

    Attributes
    ----------
    layer : int
        Number of its layer.
    value : int
        Its label value in the layer.
    name : str
        Its name.
    terminology : str
        Terminology entry, '' where it has none.
    """

    layer: int
    value: int
    name: str
    terminology: str = ""


def header_segments(header: Mapping[str, str], layers: int, largest: int) -> list[HeaderSegment]:
    """Segments that a header describes.

    Parameters
    ----------
    header : Mapping of str to str
        Fields of the header.
    layers : int
        Number of layers of the image.
    largest : int
        Largest label value.

    Returns
    -------
    list of HeaderSegment
        In the order of their numbers; empty for a plain label map.
    """
    numbers = sorted({int(m[1]) for key in header if (m := re.fullmatch(r"Segment(\d+)_(?:ID|Name)", key))})
    found = []
    for number in numbers:
        # files older than Slicer 4.11 have a layer of ones for each segment and neither of the keys
        layer = int(header.get(f"Segment{number}_Layer", number if layers > 1 else 0))
        value = int(header.get(f"Segment{number}_LabelValue", 1))
        name = header.get(f"Segment{number}_Name", "").strip() or header.get(f"Segment{number}_ID", "").strip()
        entry = re.search(r"TerminologyEntry:([^|]*)", header.get(f"Segment{number}_Tags", ""))
        if 0 <= layer < layers and 0 < value <= largest:
            shown = plain(name)[:LONGEST_NAME] or f"segment {number + 1}"
            found.append(HeaderSegment(layer, value, shown, entry[1] if entry else ""))
    return found
