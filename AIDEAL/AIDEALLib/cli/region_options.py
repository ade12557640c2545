"""Options of the commands that measure regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..regions.measure import RegionOptions


@dataclass(frozen=True)
class RegionGroup:
    """How segments are measured."""

    leave_out_edges_mm: Annotated[
        float,
        typer.Option(
            min=0.0, metavar="MM", help="Leave voxels closer than this to the edge of the liver out.", show_default=False
        ),
    ] = 0.0
    leave_out_vessels: Annotated[
        bool, typer.Option("--leave-out-vessels", help="Leave vessels and ducts out of the segments.", show_default=False)
    ] = False
    suggest_circles: Annotated[
        bool,
        typer.Option(
            "--suggest-circles", help="Suggest circles in each segment of the liver and measure them.", show_default=False
        ),
    ] = False
    circles_per_segment: Annotated[int, typer.Option(min=1, max=3, help="How many circles to suggest in each segment.")] = 1

    def options(self) -> RegionOptions:
        """How segments are measured."""
        from ..regions.exclude import LeaveOut
        from ..regions.measure import RegionOptions
        from ..regions.suggest import CircleRules

        circles = CircleRules(self.circles_per_segment) if self.suggest_circles else None
        return RegionOptions(LeaveOut(self.leave_out_edges_mm, self.leave_out_vessels), circles)
