"""Circles to measure the liver in, suggested from lobes or segments: deterministic, and explained one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..statistics import LiverPart, Segment, circle_roi

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

LEAST_DIAMETER_MM = 10.0
"""Smaller circles are not suggested: they hold too few voxels."""
VESSEL_RADIUS_MM = 6.0
"""Gaps up to twice as wide within a slice are taken for vessels."""
NINE_SEGMENTS = (LiverPart.I, LiverPart.II, LiverPart.III, LiverPart.IVA, LiverPart.IVB) + (
    LiverPart.V, LiverPart.VI, LiverPart.VII, LiverPart.VIII,
)  # fmt: skip


@dataclass(frozen=True)
class CircleRules:
    """Rules of the suggested circles.

    Attributes
    ----------
    most : int
        Circles in each region.
    largest_diameter_mm : float
        Diameter that is not exceeded.
    edge_mm : float
        Least distance of each voxel of a circle from the edge of the liver within the slice.
    dome_mm : float
        Least depth below the top of the liver: there the field is steepest, and breathing mixes liver and lung.
    clear_mm : float
        Least distance from vessels, ducts and voxels of low confidence.
    """

    most: int = 1
    largest_diameter_mm: float = 30.0
    edge_mm: float = 10.0
    dome_mm: float = 15.0
    clear_mm: float = 1.0


@dataclass(frozen=True)
class Circle:
    """A suggested circle.

    Attributes
    ----------
    place : str
        Name of the region it lies in.
    center : tuple
        Slice, row and column index.
    radius_mm : float
        Radius.
    edge_mm : float
        Distance of its rim from the edge of the liver within the slice.
    reason : str
        Why it lies there, in a sentence.
    """

    place: str
    center: tuple[int, int, int]
    radius_mm: float
    edge_mm: float
    reason: str

    def voxels(self, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> BoolArray:
        """Voxels of the circle, bool (slice, row, column)."""
        return circle_roi(shape, self.center, self.radius_mm, spacing_mm)


@dataclass(frozen=True)
class Suggestion:
    """Circles of all regions.

    Attributes
    ----------
    circles : tuple of Circle
        In the order of the regions, the largest of each first.
    without : tuple of str
        A sentence for each region in which no circle fits.
    """

    circles: tuple[Circle, ...]
    without: tuple[str, ...]


def suggest_circles(
    regions: Mapping[str, BoolArray],
    usable: BoolArray,
    spacing_mm: tuple[float, float, float],
    direction: Sequence[float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    rules: CircleRules | None = None,
) -> Suggestion:
    """Suggest circles in lobes or segments of a liver.

    Parameters
    ----------
    regions : Mapping[str, np.ndarray], bool (slice, row, column)
        Lobes or segments by name; together they are the liver whose edge counts.
    usable : np.ndarray, shape (slice, row, column), bool
        False for vessels, ducts and voxels of low confidence.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).
    direction : sequence of 9 float
        Direction matrix (`Geometry.direction`), by which the top of the liver is found.
    rules : CircleRules, optional
        Rules; the defaults when None.

    Returns
    -------
    Suggestion
        The same for the same input. A circle has the largest radius that fits; of equal ones the one farthest from what must
        be avoided, then the lowest index.

    Notes
    -----
    Allowed are voxels of the region that are usable and `clear_mm` off unusable ones, `edge_mm` off the edge of the liver
    within the slice, liver in both neighbouring slices, and `dome_mm` below the highest liver voxel above them. A Euclidean
    distance transform of what is allowed, slice by slice, gives the largest circle around each voxel.
    """
    rules = rules or CircleRules()
    if not regions:
        return Suggestion((), ())
    drawn = np.any(list(regions.values()), axis=0)
    liver = _closed(drawn, spacing_mm)
    edge = in_slice_distance(liver, spacing_mm)
    avoid = liver & ~(usable & drawn)
    # half a voxel on top, since an edge lies between the centres of two voxels
    half = 0.5 * max(spacing_mm[:2])
    good = usable & (edge >= rules.edge_mm + half) & (in_slice_distance(~avoid, spacing_mm) > rules.clear_mm)
    good &= _liver_above_and_below(liver) & (_depth_below_top(liver, spacing_mm, direction) >= rules.dome_mm)
    circles: list[Circle] = []
    without: list[str] = []
    for name, region in regions.items():
        found = _largest_circles(name, region & good, edge - half, spacing_mm, rules)
        circles += found
        if not found:
            without.append(
                f"{name}: no circle of {LEAST_DIAMETER_MM:g} mm or more fits {rules.edge_mm:g} mm off the edge, "
                f"{rules.dome_mm:g} mm below the dome and off vessels and voxels of low confidence."
            )
    return Suggestion(tuple(circles), tuple(without))


def nine_segments(segments: Sequence[Segment]) -> list[Segment]:
    """Those of the segments that are Couinaud segments, in their order (I to VIII, IV as IVa and IVb where it is split).

    Parameters
    ----------
    segments : sequence of Segment
        Segments.

    Returns
    -------
    list of Segment
    """
    order = (*NINE_SEGMENTS[:3], LiverPart.IV, *NINE_SEGMENTS[3:])
    return [segment for part in order for segment in segments if segment.part is part]


def in_slice_distance(inside: BoolArray, spacing_mm: tuple[float, float, float], border: bool = True) -> FloatArray:
    """Distance of each voxel's centre from the nearest voxel that is False in its slice.

    Parameters
    ----------
    inside : np.ndarray, shape (slice, row, column), bool
        True where the distance is measured.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).
    border : bool
        Count what lies beyond the image as False.

    Returns
    -------
    np.ndarray, shape (slice, row, column), float64, mm
        Infinite in a slice without a False voxel.
    """
    from scipy.ndimage import distance_transform_edt

    padded = np.pad(inside, ((0, 0), (1, 1), (1, 1)), mode="constant" if border else "edge")
    distances = np.full(padded.shape, np.inf)
    for index, layer in enumerate(padded):
        if not layer.any():
            distances[index] = 0.0
        elif not layer.all():
            distances[index] = distance_transform_edt(layer, sampling=(spacing_mm[1], spacing_mm[0]))
    return distances[:, 1:-1, 1:-1]


def _largest_circles(
    name: str, allowed: BoolArray, edge: FloatArray, spacing_mm: tuple[float, float, float], rules: CircleRules
) -> list[Circle]:
    circles: list[Circle] = []
    allowed = allowed.copy()
    for _ in range(rules.most):
        reach = in_slice_distance(allowed, spacing_mm)
        # a voxel nearer than the reach is allowed; the margin keeps the circle off the voxel that is not
        radius = np.minimum(reach - 1e-6, rules.largest_diameter_mm / 2)
        best = float(radius.max(initial=0.0))
        if best < LEAST_DIAMETER_MM / 2:
            break
        equal = radius >= best - 1e-3
        index = int(np.argmax(np.where(equal, reach, -1.0)))
        slice_, row, column = (int(v) for v in np.unravel_index(index, reach.shape))
        chosen = float(radius[slice_, row, column])
        disc = circle_roi((allowed.shape[0], allowed.shape[1], allowed.shape[2]), (slice_, row, column), chosen, spacing_mm)
        rim = float(edge[disc].min())
        limit = "the largest allowed" if chosen >= rules.largest_diameter_mm / 2 else "the largest that fits"
        reason = (
            f"{name}, slice {slice_ + 1}: diameter {2 * chosen:.0f} mm, {limit}; {rim:.0f} mm off the edge of the liver, "
            f"at least {rules.dome_mm:g} mm below its top, off vessels and voxels of low confidence."
        )
        circles.append(Circle(name, (slice_, row, column), chosen, rim, reason))
        taken = disc.any(axis=0)
        allowed[max(slice_ - 1, 0) : slice_ + 2, taken] = False
    return circles


def _closed(liver: BoolArray, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Liver without the gaps that vessels leave which were not drawn: the edge of a vessel is not that of the liver."""
    grown = in_slice_distance(~liver, spacing_mm, border=False) <= VESSEL_RADIUS_MM
    return liver | (in_slice_distance(grown, spacing_mm, border=False) > VESSEL_RADIUS_MM)


def _liver_above_and_below(liver: BoolArray) -> BoolArray:
    """True where both neighbouring slices are liver too (the first and the last slice have one neighbour)."""
    padded = np.concatenate([liver[:1], liver, liver[-1:]])
    return np.asarray(padded[:-2] & padded[2:])


def _depth_below_top(liver: BoolArray, spacing_mm: tuple[float, float, float], direction: Sequence[float]) -> FloatArray:
    """Distance to the highest liver voxel straight above, mm, along the axis that runs most from foot to head."""
    up = np.asarray(direction, dtype=float).reshape(3, 3)[2]
    axis = int(np.argmax(np.abs(up)))
    array_axis, step = 2 - axis, spacing_mm[axis]
    size = liver.shape[array_axis]
    shape = [1, 1, 1]
    shape[array_axis] = size
    height = (np.arange(size) if up[axis] > 0 else np.arange(size)[::-1]).reshape(shape)
    top = np.where(liver, height, -1).max(axis=array_axis, keepdims=True)
    return np.asarray((top - height) * step, dtype=np.float64)
