"""A comparison on disk: one page, a table, the difference map and pictures."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..escaping import for_csv, plain
from ..io.output.save import write_map
from ..parameter_maps import ParameterMaps
from ..report.templating import encoded, render
from ..statistics import Change
from .compare import Comparison, Visit
from .pictures import agreement_png, slices_png

PAGE, TABLE, AGREEMENT, SLICES = "compare.html", "change.csv", "agreement.png", "difference.png"
HEAD = (
    "Region",
    "Baseline %",
    "Follow-up %",
    "Change, points",
    "95 % interval",
    "Reading",
)
INTERVAL_NOTE = (
    "The interval of a change takes the visits for independent and holds the standard errors of both. It leaves out the "
    "position of the patient, the breath hold, and what differs between protocols. Repeated scans include these."
)


def save_comparison(comparison: Comparison, folder: Path) -> None:
    """Write a comparison into an existing folder.

    Parameters
    ----------
    comparison : Comparison
        Two visits.
    folder : Path
        Where to: `compare.html`, `change.csv`, `agreement.png`, and with a registration `difference.png`, `difference.nrrd` and
        `follow_up_pdff.nrrd`, on the grid of the baseline.
    """
    pictures = {AGREEMENT: agreement_png(comparison)}
    if comparison.registration is not None:
        pictures[SLICES] = slices_png(comparison)
        geometry = comparison.visits[0].maps.geometry
        for name, array, title in (
            ("difference", comparison.difference, "PDFF, follow-up minus baseline"),
            ("follow_up_pdff", comparison.follow_up_pdff, "PDFF of the follow-up on the grid of the baseline"),
        ):
            write_map(folder / f"{name}.nrrd", np.nan_to_num(array).astype(np.float32), geometry, title, "%")
    for name, png in pictures.items():
        (folder / name).write_bytes(png)
    _save_table(comparison, folder / TABLE)
    (folder / PAGE).write_text(_page(comparison, pictures), encoding="utf-8")


def change_cells(change: Change) -> tuple[str, ...]:
    """One region for reading, in the order of `HEAD`."""
    return (
        change.name,
        _number(change.baseline),
        _number(change.follow_up),
        _number(change.change, "+.1f"),
        f"{_number(change.lower, '+.1f')} to {_number(change.upper, '+.1f')}",
        change.verdict,
    )


def _number(value: float, spec: str = ".1f") -> str:
    return format(value, spec) if math.isfinite(value) else "-"


def _save_table(comparison: Comparison, path: Path) -> None:
    names = [*asdict(comparison.changes[0])] if comparison.changes else ["name"]
    with path.open("w", newline="", encoding="utf-8") as stream:
        for note in sentences(comparison):
            stream.write(plain(" ".join(f"# {note}".split())) + "\n")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*names, "reading"])
        for change in comparison.changes:
            values = asdict(change).values()
            cells = [for_csv(v) if isinstance(v, str) else v for v in values]
            cells = ["" if isinstance(v, float) and not math.isfinite(v) else v for v in cells]
            writer.writerow([*cells, change.verdict])


def sentences(comparison: Comparison) -> list[str]:
    """Repeatability and its source, protocols, registration and notes."""
    figure = comparison.repeatability
    listed = [f"Repeated scans differ by up to {figure.points:.2f} points in 95 % of pairs: {figure.source}."]
    listed.append(
        "Changed: by more than that. Within repeatability: the interval does not hold 0, but repeated scans differ as much."
    )
    listed += comparison.protocols or ("The protocols agree.",)
    if comparison.registration is not None:
        listed += comparison.registration.check.sentences()
    else:
        listed.append("The scans were not registered.")
    return [*listed, *comparison.withheld, *comparison.notes, INTERVAL_NOTE]


def _page(comparison: Comparison, pictures: dict[str, bytes]) -> str:
    visits = comparison.visits
    return render(
        "compare.html.j2",
        title=f"{visits[0].name} and {visits[1].name}: change of the fat fraction",
        research_use=visits[0].maps.provenance.research_use,
        visits=[_visit_cells(visit) for visit in visits],
        columns=HEAD,
        changes=[change_cells(change) for change in comparison.changes],
        pictures=[{"caption": _CAPTIONS[name], "data": encoded(png)} for name, png in pictures.items()],
        notes=sentences(comparison),
    )


_CAPTIONS = {
    AGREEMENT: "Change of each region with its interval, against the mean of both visits",
    SLICES: "PDFF of both visits and their difference",
}


def _visit_cells(visit: Visit) -> tuple[str, ...]:
    return visit.name, _protocol(visit.maps), f"{visit.maps.provenance.method}, AIDEAL {visit.maps.provenance.version}"


def _protocol(maps: ParameterMaps) -> str:
    provenance = maps.provenance
    te = ", ".join(f"{1000 * t:.3g}" for t in provenance.te_s)
    slices, rows, columns = maps.mask.shape
    return f"{provenance.field_strength_t:g} T, {len(provenance.te_s)} echoes at {te} ms, {columns}x{rows}x{slices} voxels"
