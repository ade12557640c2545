"""R2* and PDFF where field gradients across slices take signal away."""

from __future__ import annotations

from dataclasses import dataclass

from .bench import Bench
from .cases import Case
from .plan import Plan
from .report import Chapter
from .scores import TruthError, summary
from .tables import Column, table
from .voxels import LIVER, LOBES

KEY, TITLE = "dephasing", "Field gradients across slices"
REGIONS = {"lobes": LOBES, "dome": tuple(name for name in LIVER if name not in LOBES)}


@dataclass(frozen=True)
class DephasedError(TruthError):
    """Errors of a region under a protocol, in slices that are excited one by one or in a scan without the loss."""

    protocol: str
    slices: str


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [case for pair in plan.thick() for case in pair]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Table of the section."""
    rows = [
        DephasedError(**vars(summary(part, region)), protocol=case.protocol.name, slices=slices)
        for pair in plan.thick()
        for slices, case in zip(("excited one by one", "without the loss"), pair, strict=True)
        for region, names in REGIONS.items()
        if len(part := bench.voxels(case).segment(*names))
    ]
    columns = (
        Column("Protocol", "protocol"),
        Column("Slices", "slices"),
        Column("Region", "segment"),
        Column("Voxels", "voxels"),
        Column("Bias of the median R2*, %", "r2star_bias_percent", "+.1f"),
        Column("of the median PDFF", "median_bias", "+.2f"),
        Column("SD of the error of PDFF", "error_sd", ".2f"),
        Column("in the 68 % interval", "coverage_68_percent", ".1f"),
        Column("95 %", "coverage_95_percent", ".1f"),
    )
    note = (
        "Contiguous slices of 8 mm. Excited one by one, each adds up the signal of six layers, which the field turns apart; "
        "without the loss, each is a single layer, as a 3D scan has it. PDFF in points."
    )
    return Chapter(KEY, TITLE, (note, table("errors", "Errors by protocol and region.", rows, columns)))
