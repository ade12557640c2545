"""Two visits and their comparison in a folder, as the panel and the process that compares hand them to each other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..io.interchange import read_maps, write_maps
from ..io.segmentation import Segmentation
from ..statistics import Change, Repeatability, SegmentStatistics
from .compare import Comparison, Visit

ARRAYS, FACTS, ORDER, RESULT = "arrays.npz", "visit.json", "order.json", "comparison"
VISITS = ("baseline", "follow_up")


@dataclass(frozen=True)
class Order:
    """What is requested besides the visits.

    Attributes
    ----------
    repeatability : Repeatability or None
        What repeated scans differ by; None for the published figure.
    report : bool
        Write the report, too.
    """

    repeatability: Repeatability | None = None
    report: bool = False


@dataclass(frozen=True, eq=False)
class Compared:
    """What comes back of a comparison.

    Attributes
    ----------
    changes : tuple of Change
        Change of each region.
    sentences : tuple of str
        Repeatability and its source, protocols, registration and notes.
    difference : np.ndarray, shape of the baseline, float32, percentage points
        Follow-up minus baseline; NaN where either has no estimate.
    follow_up_pdff : np.ndarray, shape of the baseline, float32, percent
        PDFF of the follow-up on the grid of the baseline; NaN where there is none.
    report : dict of str to bytes
        Files of the report, empty where none was requested.
    """

    changes: tuple[Change, ...]
    sentences: tuple[str, ...]
    difference: npt.NDArray[np.float32]
    follow_up_pdff: npt.NDArray[np.float32]
    report: dict[str, bytes]


def write_request(folder: Path, baseline: Visit, follow_up: Visit, order: Order) -> None:
    """Write what the task needs into a folder.

    Parameters
    ----------
    folder : Path
        Existing folder.
    baseline, follow_up : Visit
        The visits.
    order : Order
        What is requested besides.
    """
    for name, visit in zip(VISITS, (baseline, follow_up), strict=True):
        (folder / name).mkdir()
        _write_visit(folder / name, visit)
    figure = asdict(order.repeatability) if order.repeatability else None
    (folder / ORDER).write_text(json.dumps({"repeatability": figure, "report": order.report}), encoding="utf-8")


def read_request(folder: Path) -> tuple[Visit, Visit, Order]:
    """Read what `write_request` has written."""
    content = json.loads((folder / ORDER).read_text(encoding="utf-8"))
    figure = Repeatability(**content["repeatability"]) if content["repeatability"] else None
    baseline, follow_up = (_read_visit(folder / name) for name in VISITS)
    return baseline, follow_up, Order(figure, content["report"])


def write_result(folder: Path, comparison: Comparison, sentences: list[str]) -> None:
    """Write a comparison into a folder.

    Parameters
    ----------
    folder : Path
        Existing folder.
    comparison : Comparison
        The comparison.
    sentences : list of str
        What is stated with it.
    """
    (folder / RESULT).mkdir(exist_ok=True)
    np.savez(folder / RESULT / ARRAYS, difference=comparison.difference, follow_up_pdff=comparison.follow_up_pdff)
    content = {"changes": [asdict(change) for change in comparison.changes], "sentences": sentences}
    (folder / RESULT / FACTS).write_text(json.dumps(content), encoding="utf-8")


def read_result(folder: Path, report: Path) -> Compared:
    """Read what `write_result` has written, with the files of the report, where that folder exists."""
    content = json.loads((folder / RESULT / FACTS).read_text(encoding="utf-8"))
    with np.load(folder / RESULT / ARRAYS) as arrays:
        difference, moved = arrays["difference"], arrays["follow_up_pdff"]
    files = {path.name: path.read_bytes() for path in sorted(report.iterdir())} if report.is_dir() else {}
    changes = tuple(Change(**change) for change in content["changes"])
    return Compared(changes, tuple(content["sentences"]), difference, moved, files)


def _write_visit(folder: Path, visit: Visit) -> None:
    write_maps(visit.maps, folder)
    arrays: dict[str, npt.NDArray[np.int32]] = {}
    named: dict[str, Any] = {}
    for name, part in (("segments", visit.segments), ("circles", visit.circles)):
        if part is not None:
            arrays[name], named[name] = part.as_arrays()
    np.savez(folder / ARRAYS, **arrays)  # type: ignore[arg-type]
    content = {"name": visit.name, "rows": [asdict(row) for row in visit.rows], "parts": named}
    (folder / FACTS).write_text(json.dumps(content), encoding="utf-8")


def _read_visit(folder: Path) -> Visit:
    content = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    maps = read_maps(folder)
    with np.load(folder / ARRAYS) as stored:
        arrays = {name: stored[name] for name in stored.files}

    def part(name: str) -> Segmentation | None:
        return Segmentation.from_arrays(arrays[name], content["parts"][name]) if name in content["parts"] else None

    rows = [SegmentStatistics(**row) for row in content["rows"]]
    return Visit(content["name"], maps, rows, part("segments"), part("circles"))
