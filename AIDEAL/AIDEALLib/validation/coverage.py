"""Coverage of the stated intervals by protocol, tissue and SNR, and the stated SD relative to the Cramer-Rao bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .bench import Bench
from .cases import Case
from .pictures import COLOURS, Drawing, Picture, legend_below, style_axes
from .plan import Plan
from .report import Chapter
from .scores import ProtocolError, summary, within_chance
from .tables import Table, format_cell
from .voxels import LIVER

KEY, TITLE = "coverage", "Coverage of the stated intervals, and the Cramer-Rao bound"
TISSUES: dict[str, tuple[str, ...]] = {
    "liver": LIVER,
    "right lobe": ("Right lobe",),
    "left lobe": ("Left lobe",),
    "lean organs": ("Spleen", "Kidneys", "Pancreas", "Muscle", "Heart", "Blood", "Gallbladder"),
    "fat": ("Subcutaneous fat", "Visceral fat"),
    "spine": ("Spine",),
}


@dataclass(frozen=True)
class Coverage(ProtocolError):
    """Errors of a tissue at one SNR.

    Attributes
    ----------
    snr : float
        SNR of the liver.
    stated_over_bound : float
        Stated SD over Cramer-Rao bound, median over the voxels.
    """

    snr: float
    stated_over_bound: float


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [*plan.sweep(), *plan.cropped(), *plan.interpolated()]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and pictures of the section."""
    rows = [row for case in plan.sweep() for row in _rows(case, bench)]
    cropped = [row for case in plan.cropped() for row in _rows(case, bench)]
    interpolated = [row for case in plan.interpolated() for row in _rows(case, bench)]
    liver = [row for row in rows if row.segment == "liver"]
    return Chapter(
        KEY,
        TITLE,
        (
            "SNR: mean |W + F| of the liver at t = 0 over the noise of one real channel. Swapped voxels are included.",
            *_aims(rows),
            _side_by_side("coverage", "Liver: share of voxels inside the stated 68 / 95 % interval, %.", rows, liver, _levels),
            _picture(liver),
            _side_by_side(
                "cropped",
                "Liver in cropped k-space, where voxels mix tissues at edges and ring: share inside the interval, %.",
                cropped,
                [r for r in cropped if r.segment == "liver"],
                _levels,
            ),
            _side_by_side(
                "interpolated",
                "Liver in images zero filled by 2, SNR of the images: share inside the interval, %.",
                interpolated,
                [r for r in interpolated if r.segment == "liver"],
                _levels,
            ),
            _side_by_side(
                "",
                "Lean organs (spleen, kidneys, pancreas, muscle, heart, blood, gallbladder): share inside the interval, %.",
                (),
                [r for r in rows if r.segment == "lean organs"],
                _levels,
            ),
            _side_by_side("", "Fat: share inside the interval, %.", (), [r for r in rows if r.segment == "fat"], _levels),
            _side_by_side(
                "", "Liver: stated SD over Cramer-Rao bound at the true values, median of the voxels.", (), liver, _ratio
            ),
            _side_by_side(
                "", "Right lobe: bias of the median, points.", (), [r for r in rows if r.segment == "right lobe"], _bias
            ),
            _side_by_side(
                "", "Left lobe: bias of the median, points.", (), [r for r in rows if r.segment == "left lobe"], _bias
            ),
        ),
    )


def _aims(rows: Sequence[Coverage]) -> list[str]:
    """Aim and result, one sentence each."""
    sentences = []
    for above, within, name in ((True, 2.0, "15 and more"), (False, 5.0, "below 15")):
        liver = [row for row in rows if row.segment == "liver" and (row.snr >= 15) == above]
        off = {(r.protocol, r.snr): max(abs(r.coverage_68_percent - 68), abs(r.coverage_95_percent - 95)) for r in liver}
        if off:
            worst = max(off, key=lambda key: off[key])
            sentences.append(
                f"Coverage of the liver at SNR {name}: aim within {within:.0f} points of 68 and 95 %; met by "
                f"{sum(o <= within for o in off.values())} of {len(off)} (protocol, SNR); furthest off {off[worst]:.1f} points "
                f"({worst[0]}, SNR {worst[1]:.0f})."
            )
    noisy = [row for row in rows if row.segment == "liver" and row.snr >= 20]
    ratios = [row.stated_over_bound for row in noisy]
    lobes = [row for row in rows if row.segment in ("right lobe", "left lobe") and row.snr >= 20]
    bias = max(lobes, key=lambda row: abs(row.median_bias))
    decay = max(noisy, key=lambda row: abs(row.r2star_bias_percent))
    return [
        *sentences,
        f"Stated SD over bound at SNR 20 and more: aim at most 1.15; measured {min(ratios):.3f} to {max(ratios):.3f}.",
        f"Bias of a lobe's median at SNR 20 and more: aim below 0.3 points; met by "
        f"{sum(abs(row.median_bias) < 0.3 for row in lobes)} of {len(lobes)} ("
        f"{sum(within_chance(row, 0.3) for row in lobes)} with an allowance of two standard errors); largest "
        f"{bias.median_bias:+.2f} +- {bias.median_bias_se:.2f} "
        f"({bias.protocol}, SNR {bias.snr:.0f}). Median R2* of the liver: aim within 3 %; met by "
        f"{sum(abs(row.r2star_bias_percent) < 3 for row in noisy)} of {len(noisy)}; furthest off "
        f"{decay.r2star_bias_percent:+.1f} % ({decay.protocol}, SNR {decay.snr:.0f}).",
    ]


def _rows(case: Case, bench: Bench) -> list[Coverage]:
    assert case.protocol.snr is not None
    voxels = bench.voxels(case)
    rows = []
    for tissue, names in TISSUES.items():
        part = voxels.segment(*names)
        if len(part):
            ratio = float(np.median(part.pdff_sd / part.pdff_bound))
            error = vars(summary(part, tissue))
            rows.append(Coverage(**error, protocol=case.protocol.name, snr=case.protocol.snr, stated_over_bound=ratio))
    return rows


def _side_by_side(
    name: str, caption: str, stored: Sequence[Coverage], rows: Sequence[Coverage], cell: Callable[[Coverage], str]
) -> Table:
    """Table of protocols (rows) against SNR (columns)."""
    snrs = sorted({row.snr for row in rows})
    cells = {(row.protocol, row.snr): cell(row) for row in rows}
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    lines = [[protocol, *[cells.get((protocol, snr), "-") for snr in snrs]] for protocol in protocols]
    return Table(name, caption, stored, ["Protocol", *[f"SNR {snr:.0f}" for snr in snrs]], lines)


def _levels(row: Coverage) -> str:
    return f"{format_cell(row.coverage_68_percent, '.1f')} / {format_cell(row.coverage_95_percent, '.1f')}"


def _ratio(row: Coverage) -> str:
    return format_cell(row.stated_over_bound, ".3f")


def _bias(row: Coverage) -> str:
    return format_cell(row.median_bias, "+.2f")


def _picture(liver: Sequence[Coverage]) -> Picture:
    drawing = Drawing(1, 3, 4.0, 3.4)
    for k, protocol in enumerate(dict.fromkeys(row.protocol for row in liver)):
        mine = [row for row in liver if row.protocol == protocol]
        for axes, field in zip(
            drawing.axes[0], ("coverage_68_percent", "coverage_95_percent", "stated_over_bound"), strict=True
        ):
            line = [getattr(row, field) for row in mine]
            axes.plot([row.snr for row in mine], line, "o-", markersize=3.5, linewidth=1.2, color=COLOURS[k], label=protocol)
    for axes, level in zip(drawing.axes[0, :2], (68, 95), strict=True):
        axes.axhspan(level - 2, level + 2, color="#dddddd", zorder=0)
        style_axes(axes, f"Inside the stated {level} % interval", "SNR of the liver", "voxels of the liver (%)")
    drawing.axes[0, 2].axhline(1, color="#888888", linewidth=0.8)
    style_axes(drawing.axes[0, 2], "Stated SD over Cramer-Rao bound", "SNR of the liver", "median ratio")
    legend_below(drawing, drawing.axes[0, 0], 4)
    return drawing.picture("coverage", "Liver; the grey band is the nominal level within 2 points.")
