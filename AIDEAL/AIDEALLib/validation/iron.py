"""Iron overload: R2* of the liver from normal to high, under the held-out protocol for iron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .bench import Bench
from .cases import Case
from .pictures import COLOURS, Drawing, Picture, legend_below, style_axes
from .plan import Plan
from .report import Chapter
from .scores import ProtocolError, summary, within_chance
from .tables import Column, table
from .voxels import LOBES

KEY, TITLE = "iron", "Iron: bias and stated SD with increasing R2*"
AIM_POINTS, AIM_PERCENT, AIM_R2STAR, AIM_SNR = 0.3, 3.0, 600.0, 20.0


@dataclass(frozen=True)
class IronError(ProtocolError):
    """Errors of a lobe at one R2* and SNR.

    Attributes
    ----------
    liver_r2star : float
        True R2* of the liver, 1/s.
    snr : float
        SNR of the liver.
    """

    liver_r2star: float
    snr: float


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return plan.iron()


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Table and picture of the section."""
    rows = [row for case in cases(plan) for row in _rows(case, bench)]
    columns = (
        Column("SNR", "snr", ".0f"),
        Column("True R2*, 1/s", "liver_r2star", ".0f"),
        Column("Region", "segment"),
        Column("Bias of the median", "median_bias", "+.2f"),
        Column("standard error", "median_bias_se", ".2f"),
        Column("Bias of the mean", "mean_bias", "+.2f"),
        Column("SD of error", "error_sd", ".2f"),
        Column("Stated SD", "stated_sd", ".2f"),
        Column("In 68 %", "coverage_68_percent", ".1f"),
        Column("In 95 %", "coverage_95_percent", ".1f"),
        Column("Swapped, %", "swap_percent", ".3f"),
        Column("Bias of R2*, %", "r2star_bias_percent", "+.1f"),
    )
    return Chapter(
        KEY,
        TITLE,
        (
            "SNR is that of the liver at t = 0; at R2* 700 1/s the first echo has half of it. A fat fraction is a ratio: where "
            "its SD is large its errors are skewed, so that median and mean of a lobe differ.",
            _aim(rows),
            table("iron", "Both lobes, PDFF in points.", rows, columns),
            _picture(rows),
        ),
    )


def _rows(case: Case, bench: Bench) -> list[IronError]:
    assert case.protocol.snr is not None and case.protocol.liver_r2star_per_s is not None
    voxels = bench.voxels(case)
    rows = []
    for name in LOBES:
        part = voxels.segment(name)
        if len(part):
            error = vars(summary(part, name))
            rows.append(
                IronError(
                    **error, protocol=case.protocol.name, liver_r2star=case.protocol.liver_r2star_per_s, snr=case.protocol.snr
                )
            )
    return rows


def _aim(rows: Sequence[IronError]) -> str:
    within = [row for row in rows if row.snr >= AIM_SNR and row.liver_r2star <= AIM_R2STAR]
    if not within:
        return "No row at the SNR of the aim."
    worst = max(within, key=lambda row: abs(row.median_bias))
    mean = max(within, key=lambda row: abs(row.mean_bias))
    decay = max(within, key=lambda row: abs(row.r2star_bias_percent))
    return (
        f"R2* up to {AIM_R2STAR:.0f} 1/s, SNR {AIM_SNR:.0f} and more: aim for the median of a lobe {AIM_POINTS} points, met by "
        f"{sum(abs(row.median_bias) < AIM_POINTS for row in within)} of {len(within)} ("
        f"{sum(within_chance(row, AIM_POINTS) for row in within)} with an allowance of two standard errors); "
        f"largest {worst.median_bias:+.2f} (R2* "
        f"{worst.liver_r2star:.0f}, SNR {worst.snr:.0f}); of the mean {mean.mean_bias:+.2f} (R2* {mean.liver_r2star:.0f}, SNR "
        f"{mean.snr:.0f}). R2*: aim {AIM_PERCENT:.0f} %, met by "
        f"{sum(abs(row.r2star_bias_percent) < AIM_PERCENT for row in within)} of {len(within)}; furthest off "
        f"{decay.r2star_bias_percent:+.1f} %."
    )


def _picture(rows: Sequence[IronError]) -> Picture:
    drawing = Drawing(1, 2, 4.6, 3.6)
    lobes = [row for row in rows if row.segment == "Right lobe"]
    for k, snr in enumerate(sorted({row.snr for row in lobes})):
        mine = [row for row in lobes if row.snr == snr]
        decays = [row.liver_r2star for row in mine]
        for axes, field in zip(drawing.axes[0], ("median_bias", "mean_bias"), strict=True):
            line = [getattr(row, field) for row in mine]
            axes.plot(decays, line, "o-", markersize=3.5, linewidth=1.2, color=COLOURS[k], label=f"SNR {snr:.0f}")
    for axes, name in zip(drawing.axes[0], ("median", "mean"), strict=True):
        axes.axhspan(-AIM_POINTS, AIM_POINTS, color="#dddddd", zorder=0)
        style_axes(axes, f"Right lobe, {name}", "R2* of the liver (1/s)", "bias of PDFF (points)")
    legend_below(drawing, drawing.axes[0, 0], 3)
    return drawing.picture("iron", "Grey band: aim.")
