"""Limits of low confidence: errors caught against area flagged."""

from __future__ import annotations

import numpy as np

from ..statistics import LowConfidence
from .bench import Bench
from .cases import Case
from .detection import LimitPoint, limit_point
from .pictures import COLOURS, Drawing, Picture, legend_below, style_axes
from .plan import Plan
from .report import Chapter
from .tables import Column, table
from .voxels import LIVER, Bools, Voxels, joined

KEY, TITLE = "limits", "Limits of low confidence: errors caught against area flagged"
LARGE_POINTS = 5.0
SD_LIMITS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0)
SWAP_LIMITS = (0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
OMITTED = (1.0, 1.5, 2.5, 6.0, 20.0, 30.0, 0.001, 0.02, 0.15, 0.2, 0.4)
"""Limits that the table of the report omits."""
REGIONS: dict[str, tuple[str, ...]] = {"body": (), "liver": LIVER}
BOTH, BY_SD, BY_SWAP = "either default limit", "SD of the mixture above", "P(swap) above"


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [*plan.plain(), *plan.hard()]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Table and picture of the section."""
    everything = joined([bench.voxels(case) for case in cases(plan)])
    rows: list[LimitPoint] = []
    for region, names in REGIONS.items():
        rows += points(region, everything.segment(*names) if names else everything)
    columns = (
        Column("Flag", "measure"),
        Column("limit", "limit", "g"),
        Column("in", "region"),
        Column("area flagged, %", "flagged_percent", ".2f"),
        Column(f"errors above {LARGE_POINTS:.0f} points caught, %", "large_errors_caught_percent", ".1f"),
        Column("swaps caught, %", "swaps_caught_percent", ".1f"),
        Column("wrong modes caught, %", "wrong_modes_caught_percent", ".1f"),
        Column("large errors among the rest, %", "left_large_errors_percent", ".2f"),
    )
    now = LowConfidence()
    return Chapter(
        KEY,
        TITLE,
        (
            "All protocols, plain patients and hard scenes together. A voxel is of low confidence when either limit is "
            f"exceeded; the limits in use are P(swap) {now.swap_probability:g} and an SD of {now.total_sd_points:g} points.",
            _picture(rows),
            table(
                "",
                "Area flagged and errors caught by some of the limits.",
                [row for row in rows if row.limit not in OMITTED],
                columns,
            ),
            table("limits", "All limits", rows),
        ),
    )


def points(region: str, voxels: Voxels) -> list[LimitPoint]:
    """Errors that each limit catches, over its range, and both default limits together."""
    large = np.abs(voxels.error) > LARGE_POINTS
    sd, swap, now = voxels.total_sd, voxels.swap_probability, LowConfidence()

    def point(measure: str, limit: float, flagged: Bools) -> LimitPoint:
        return limit_point(measure, region, limit, flagged, large, voxels.swapped, voxels.wrong_mode)

    return [
        *(point(BY_SD, limit, sd > limit) for limit in SD_LIMITS),
        *(point(BY_SWAP, limit, swap > limit) for limit in SWAP_LIMITS),
        point(BOTH, float("nan"), (sd > now.total_sd_points) | (swap > now.swap_probability)),
    ]


def _picture(rows: list[LimitPoint]) -> Picture:
    drawing = Drawing(1, 2, 5.2, 4.2)
    curves = (
        (BY_SD, "large_errors_caught_percent", f"errors above {LARGE_POINTS:.0f} points, by SD"),
        (BY_SWAP, "swaps_caught_percent", "swaps, by P(swap)"),
        (BY_SWAP, "wrong_modes_caught_percent", "wrong modes, by P(swap)"),
        (BY_SD, "swaps_caught_percent", "swaps, by SD"),
    )
    for axes, region in zip(drawing.axes[0], REGIONS, strict=True):
        for k, (measure, field, title) in enumerate(curves):
            mine = [row for row in rows if (row.region, row.measure) == (region, measure)]
            flagged, caught = [row.flagged_percent for row in mine], [getattr(row, field) for row in mine]
            axes.plot(flagged, caught, "o-", markersize=3.5, linewidth=1.2, color=COLOURS[k], label=title)
            if k in (0, 1):
                for row, x, y in list(zip(mine, flagged, caught, strict=True))[::2]:
                    axes.annotate(f"{row.limit:g}", (x, y), fontsize=7, xytext=(3, -8), textcoords="offset points")
        both = next(row for row in rows if (row.region, row.measure) == (region, BOTH))
        for k, field in ((0, "large_errors_caught_percent"), (1, "swaps_caught_percent")):
            axes.plot(both.flagged_percent, getattr(both, field), "*", markersize=13, color=COLOURS[k])
        axes.axvline(3, color="#bbbbbb", linewidth=0.8, linestyle="--")
        axes.set_xscale("symlog", linthresh=1)
        axes.set_xlim(0, 110)
        axes.set_ylim(0, 103)
        axes.xaxis.set_ticks([0, 1, 3, 10, 30, 100], ["0", "1", "3", "10", "30", "100"])
        style_axes(axes, region.capitalize(), "area flagged (%)", "caught (%)")
    legend_below(drawing, drawing.axes[0, 0], 4)
    return drawing.picture(
        "limits", "Numbers: the limit (points of SD, or P(swap)). Stars: both limits in use together. Dashed: 3 % of the area."
    )
