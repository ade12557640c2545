"""Options of the commands that measure regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..regions.measure import RegionOptions

LeaveOutEdges = Annotated[
    float,
    typer.Option(min=0.0, metavar="MM", help="Leave voxels closer than this to the edge of the liver out.", show_default=False),
]
LeaveOutVessels = Annotated[
    bool, typer.Option("--leave-out-vessels", help="Leave vessels and ducts out of the segments.", show_default=False)
]
SuggestCircles = Annotated[
    bool,
    typer.Option(
        "--suggest-circles", help="Suggest circles in each segment of the liver and measure them.", show_default=False
    ),
]
CirclesPerSegment = Annotated[int, typer.Option(min=1, max=3, help="How many circles to suggest in each segment.")]


def region_options(edges_mm: float, vessels: bool, circles: bool, circles_per_segment: int) -> RegionOptions:
    """How segments are measured.

    Parameters
    ----------
    edges_mm : float, mm
        Width left out along the edge of the liver.
    vessels : bool
        Leave vessels and ducts out.
    circles : bool
        Suggest circles.
    circles_per_segment : int
        How many in each segment.

    Returns
    -------
    RegionOptions
    """
    from ..regions.exclude import LeaveOut
    from ..regions.measure import RegionOptions
    from ..regions.suggest import CircleRules

    return RegionOptions(LeaveOut(edges_mm, vessels), CircleRules(circles_per_segment) if circles else None)
