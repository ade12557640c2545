"""The validation: sections in order, each written to the report as soon as it is finished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled
from ..models import Networks
from ..version import __version__
from . import (
    coverage,
    dephasing,
    iron,
    limits,
    phantoms,
    real_scans,
    regions,
    repeatability,
    sensitivity,
    spread,
    swaps,
    visits,
)
from .bench import Bench, fingerprint
from .cases import Case
from .plan import Plan
from .report import Chapter, write_chapter, write_report

_SIMULATED = {
    s.KEY: s for s in (phantoms, spread, sensitivity, coverage, iron, swaps, dephasing, limits, regions, repeatability, visits)
}
SECTIONS = (*_SIMULATED, real_scans.KEY)
"""Sections by key, in the order of the report."""


@dataclass(frozen=True)
class Request:
    """Scope and folder of a validation.

    Attributes
    ----------
    folder : Path
        Folder of the report; finished cases are kept in `folder`/cases and reused until networks or code change.
    plan : Plan
        Simulated cases.
    sections : sequence of str
        Keys out of `SECTIONS`.
    real_scans : Path or None
        Folder of real scans.
    networks : Networks
        Networks on the device.
    device : str
        Computing device.
    """

    folder: Path
    plan: Plan
    sections: Sequence[str]
    real_scans: Path | None
    networks: Networks
    device: str

    def cases_of(self, key: str) -> list[Case]:
        """Cases of a section; none when it was not requested."""
        return _SIMULATED[key].cases(self.plan) if key in self.sections and key in _SIMULATED else []

    def cases(self) -> list[Case]:
        """All cases without repetition, in the order of the sections."""
        return list(dict.fromkeys(case for key in SECTIONS for case in self.cases_of(key)))

    @property
    def slices(self) -> int:
        """Slices to estimate, without real scans."""
        return sum(case.slices for case in self.cases())


def validate(
    request: Request,
    progress: Callable[[str, int], None] = lambda title, slices: None,
    cancel: Callable[[], bool] = lambda: False,
) -> None:
    """Write the report: `report.html`, `report.md`, and a folder of CSV files and pictures for each section.

    Parameters
    ----------
    request : Request
        Scope and folder.
    progress : callable
        Called with a sentence and the number of slices finished since the last call.
    cancel : callable
        Called between slices; the validation stops when it returns True.

    Raises
    ------
    Cancelled
        On request; the report holds the finished sections, and the next run continues from there.
    """
    request.folder.mkdir(parents=True, exist_ok=True)
    stamp = fingerprint(request.networks, request.device)
    bench = Bench(request.folder / "cases" / stamp[:16], request.networks, request.device, progress, cancel)
    bench.remove_outdated()
    chapters: list[Chapter] = []
    try:
        for key in [key for key in SECTIONS if key in request.sections]:
            chapters.append(_chapter(key, request, bench))
            write_chapter(chapters[-1], request.folder)
            write_report(chapters, _head(request), request.folder)
    except Cancelled as stop:
        raise Cancelled(
            f"Cancelled after {len(chapters)} of {len(request.sections)} sections, which stay in {request.folder}; "
            "the same command continues from there."
        ) from stop


def _chapter(key: str, request: Request, bench: Bench) -> Chapter:
    """One section; cases of an earlier section are not counted twice in the progress."""
    if key == real_scans.KEY:
        bench.progress(real_scans.TITLE, 0)
        return real_scans.chapter(request.real_scans, bench)
    section = _SIMULATED[key]
    earlier = {case for before in SECTIONS[: SECTIONS.index(key)] for case in request.cases_of(before)}
    bench.prepare(case for case in request.cases_of(key) if case not in earlier)
    bench.progress(section.TITLE, 0)
    return section.chapter(request.plan, bench)


def _head(request: Request) -> list[str]:
    """Command, version and networks, without date or machine, so that equal runs give equal reports."""
    options = [f"--seed {request.plan.seed}"]
    options += ["--quick"] if request.plan.quick else []
    options += (
        [] if tuple(request.sections) == SECTIONS else [f"--section {key}" for key in SECTIONS if key in request.sections]
    )
    if "regions" in request.sections and not request.plan.quick and request.plan.region_patients != Plan.region_patients:
        options.append(f"--patients {request.plan.region_patients}")
    options += ["--real-scans DIR"] if request.real_scans else []
    models = ", ".join(f"{name} {checksum[:12]}" for name, checksum in request.networks.checksums.items())
    paragraphs = [
        f"aideal validate --out DIR {' '.join(options)}",
        f"AIDEAL {__version__} on {request.device}; networks (SHA-256) {models}.",
    ]
    if request.plan.quick:
        paragraphs.append("A quick report of few, small slices: its figures are not meaningful.")
    paragraphs.append(
        "All scans but the real ones are simulated from the seed, on anatomy and protocols that no network was trained on; the "
        "truth of every voxel is known. SNR is |W + F| at t = 0 over the noise of one real channel."
    )
    return paragraphs
