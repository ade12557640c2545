"""`group.html`: repeatability, agreement and prevalence of a cohort on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...io.output.staging import staged_file
from ...report.templating import encoded, render
from .agreement import Compared, comparisons
from .pictures import differences_png, prevalence_png
from .prevalence import Prevalence, prevalences
from .repeatability import Repeated, repeatability
from .values import Value

PAGE = "group.html"
MOST_PICTURES = 6
HEAD_AGREEMENT = (
    "Condition",
    "First",
    "Second",
    "Participants",
    "Bias, points (95 %)",
    "Lower limit (95 %)",
    "Upper limit (95 %)",
)
HEAD_PREVALENCE = ("Cut-offs", "Grade", "PDFF", "Counted %", "Expected %", "These participants (95 %)", "Population (95 %)")


def save_group_report(out: Path, values: Sequence[Value], left_out: int) -> None:
    """Write the page.

    Parameters
    ----------
    out : Path
        Folder of the cohort.
    values : sequence of Value
        Values of the scans that can be used.
    left_out : int
        Number of scans that cannot.
    """
    repeated, compared, shares = repeatability(values), comparisons(values), prevalences(values)
    page = render(
        "group.html.j2",
        title=f"Group of {len({value.participant for value in values})} participants",
        research_use="Research use only, not for diagnosis.",
        scans=len(values),
        left_out=left_out,
        repeated=_repeated(repeated) if repeated else None,
        agreement={"head": HEAD_AGREEMENT, "rows": [_agreement_cells(one) for one in compared]},
        pictures=[_agreement_picture(one) for one in compared[:MOST_PICTURES]],
        prevalence={"head": HEAD_PREVALENCE, "rows": [_prevalence_cells(one) for one in shares]},
        prevalence_picture=encoded(prevalence_png(shares)) if shares else "",
    )
    with staged_file(out / PAGE) as partial:
        partial.write_text(page, encoding="utf-8")


def _repeated(found: Repeated) -> dict[str, Any]:
    coefficient, low, high = found.coefficient
    count = len(found.pairs)
    spread = found.sd * math.sqrt(2)
    halves = (1.96 * spread / math.sqrt(count), 1.96 * spread * math.sqrt(3 / count))
    within = "" if math.isnan(found.within_stated) else f"{100 * found.within_stated:.0f} %"
    return {
        "participants": count,
        "scans": sum(len(group) for group in found.groups),
        "sd": f"{found.sd:.2f} ({found.sd_low:.2f} to {found.sd_high:.2f})",
        "coefficient": f"{coefficient:.2f} ({low:.2f} to {high:.2f})",
        "within": within,
        "picture": encoded(differences_png(found.pairs, halves)),
    }


def _agreement_cells(found: Compared) -> tuple[str, ...]:
    numbers = (
        (found.agreement.bias, found.bias_error),
        (found.agreement.lower_limit, found.limit_error),
        (found.agreement.upper_limit, found.limit_error),
    )
    shown = [
        f"{value:+.2f} ({low:+.2f} to {high:+.2f})" for value, error in numbers for low, high in [found.interval(value, error)]
    ]
    return found.condition, found.first, found.second, str(len(found.pairs)), *shown


def _agreement_picture(found: Compared) -> dict[str, str]:
    halves = tuple(found.interval(0.0, error)[1] for error in (found.bias_error, found.limit_error))
    picture = differences_png(found.pairs, (halves[0], halves[1]))
    return {"caption": f"{found.condition}: {found.second} against {found.first}", "data": encoded(picture)}


def _prevalence_cells(found: Prevalence) -> tuple[str, ...]:
    return (
        found.study,
        f"S{found.grade} or more" if found.grade < 3 else "S3",
        f"{found.cutoff:g} %",
        f"{100 * found.counted:.1f}",
        f"{100 * found.expected:.1f}",
        f"{100 * found.measured_low:.1f} to {100 * found.measured_high:.1f}",
        f"{100 * found.low:.1f} to {100 * found.high:.1f}",
    )
