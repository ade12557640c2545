"""Turning and mirroring of images in the views, for scans whose files state no orientation; voxels and numbers stay."""

from __future__ import annotations

import re
from typing import Any

TURN = "AIDEAL.DisplayTurn"
"""On the first node of a scan: quarter turns to the right, from 0 to 3, and 'mirrored', which comes before them."""


def rotate(scan: Any) -> None:
    """Turn the images of a scan by a quarter to the right."""
    quarters, mirrored = turn_of(scan)
    _store(scan, quarters + 1, mirrored)


def mirror(scan: Any) -> None:
    """Exchange left and right of the images of a scan as they are shown."""
    quarters, mirrored = turn_of(scan)
    _store(scan, -quarters, not mirrored)


def turn_of(scan: Any) -> tuple[int, bool]:
    """Quarter turns to the right, and whether the images are mirrored before."""
    stored = (scan.GetAttribute(TURN) or "") if scan is not None else ""
    found = re.match(r"([0-3])( mirrored)?$", stored)
    return (int(found.group(1)), bool(found.group(2))) if found else (0, False)


def turn_view(node: Any, scan: Any) -> None:
    """Turn a slice view, which lies in the plane of the scan, as the scan is to be shown."""
    quarters, mirrored = turn_of(scan)
    to_ras = node.GetSliceToRAS()
    right, up = ([to_ras.GetElement(row, column) for row in range(3)] for column in (0, 1))
    if mirrored:
        right = [-value for value in right]
    for _ in range(quarters):
        right, up = up, [-value for value in right]
    for row in range(3):
        to_ras.SetElement(row, 0, right[row])
        to_ras.SetElement(row, 1, up[row])
    node.UpdateMatrices()


def _store(scan: Any, quarters: int, mirrored: bool) -> None:
    scan.SetAttribute(TURN, f"{quarters % 4}" + (" mirrored" if mirrored else ""))
