"""Report of a run, and the run as DICOM objects, in a folder and in Slicer's DICOM database."""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import slicer

from ...errors import AidealError, InputError
from ...io.interchange import provenance_from_dict
from ...io.output.dicom.content import ExportContent, Region
from ...io.output.dicom.study import Identity
from ...parameter_maps import MAP_INFO, ParameterMaps
from ...statistics import Segment, SegmentStatistics, with_groups
from ...worker.client import QualityReport
from .. import nodes
from ..nodes import MapNodes, findings_of
from ..regions.map_arrays import map_arrays
from ..regions.measure import ALL_CIRCLES, MeasureOptions
from ..regions.region import Region as DrawnRegion
from ..regions.region import whole_voxels
from ..scan.sources import scan_of_maps
from ..text import tr
from ..volumes import array_of, geometry_of
from ..wording import panel_words, worded

if TYPE_CHECKING:
    from ...report.content import ReportContent

LIBRARIES = ("highdicom", "fpdf2", "matplotlib", "jinja2")
"""What Slicer lacks for DICOM objects and the report in them."""


class Dialogs(Protocol):
    """Questions that an installation needs."""

    def confirm(self, text: str) -> bool:
        """Yes or no."""

    def error(self, text: str, details: str = "") -> None:
        """Show an error."""


class InstallationFailed(AidealError):
    """The libraries could not be installed."""


def missing_libraries() -> list[str]:
    """Libraries that are not installed, without importing them."""
    missing = []
    for name in LIBRARIES:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    return missing


def install_libraries(names: Sequence[str]) -> None:
    """Install libraries into Slicer's Python.

    Raises
    ------
    InstallationFailed
        The installation failed.
    """
    try:
        slicer.util.pip_install(list(names))
    except Exception as error:
        logging.exception("AIDEAL: %s could not be installed", ", ".join(names))
        raise InstallationFailed(
            tr("{names} could not be installed: {error}").format(names=", ".join(names), error=error)
        ) from error


def libraries_at_hand(dialogs: Dialogs) -> bool:
    """Install what reports and DICOM objects need, after asking; returns whether it is there."""
    missing = missing_libraries()
    if not missing:
        return True
    names = ", ".join(missing)
    if not dialogs.confirm(tr("Reports and DICOM objects need {names}. Install now?").format(names=names)):
        return False
    try:
        install_libraries(missing)
    except AidealError as error:
        dialogs.error(worded(error))
        return False
    return True


def source_files(maps: MapNodes) -> list[Path]:
    """DICOM files of the scan that maps came from, where Slicer's database still has all of them; else []."""
    database = getattr(slicer, "dicomDatabase", None)
    if database is None:
        return []
    pdff, files = maps.pdff, []
    for n in range(pdff.GetNumberOfNodeReferences(nodes.SOURCE_ROLE)):
        node = pdff.GetNthNodeReference(nodes.SOURCE_ROLE, n)
        stated = (
            [node.GetAttribute(key) or "" for key in (nodes.INSTANCES, nodes.INSTANCES_OF_VOLUME)] if node is not None else []
        )
        uids = " ".join(stated).split()
        files += [database.fileForInstance(uid) for uid in uids]
    paths = list(dict.fromkeys(Path(file) for file in files if file))
    return paths if len(paths) == len(set(files)) and all(path.is_file() for path in paths) else []


def objects_content(
    maps: MapNodes, regions: Sequence[DrawnRegion], rows: Sequence[SegmentStatistics], options: MeasureOptions
) -> ExportContent:
    """What the objects of a run hold: maps, regions as measured in the table, findings, and the report.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    regions : sequence of Region
        Regions of the table.
    rows : sequence of SegmentStatistics
        Rows of the table.
    options : MeasureOptions
        How the regions were measured.

    Returns
    -------
    ExportContent

    Raises
    ------
    InputError
        A map or the provenance of the run is not in the scene any more.
    """
    from ...report.pdf import pdf_bytes

    report = report_content(maps, regions, rows, options)
    findings = report.quality.findings
    sentences = tuple(f"{f.severity.value}: {f.worded(panel_words)}" for f in findings)
    graded = options.cutoffs.name if any(row.steatosis_grade for row in rows) else ""
    return ExportContent(report.maps, report.regions, sentences, graded, pdf_bytes(report))


def report_content(
    maps: MapNodes, regions: Sequence[DrawnRegion], rows: Sequence[SegmentStatistics], options: MeasureOptions
) -> ReportContent:
    """What the report of a run is about, with the scan where it is still in the scene.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    regions : sequence of Region
        Regions of the table.
    rows : sequence of SegmentStatistics
        Rows of the table.
    options : MeasureOptions
        How the regions were measured.

    Returns
    -------
    ReportContent

    Raises
    ------
    InputError
        A map or the provenance of the run is not in the scene any more.
    """
    from ...report.content import ReportContent

    whole, scan = parameter_maps(maps), scan_of_maps(maps)
    series = None if scan.problems() else scan.series()
    segments = _segments(regions, whole.mask.shape)
    named = [(segments[row.name], row) for row in rows if row.name in segments]
    found = tuple(Region(segment.mask, row, terminology=segment.terminology) for segment, row in named)
    if series is not None and series.shape != whole.mask.shape:
        series = None
    quality = QualityReport(findings_of(maps.pdff))
    return ReportContent(series, whole, found, quality, cutoffs=options.cutoffs, wording=panel_words)


def save_report(content: ReportContent, folder: Path) -> list[Path]:
    """Write the report of a run: `report.pdf`, `viewer.html`, and with the scan `report.html`.

    Parameters
    ----------
    content : ReportContent
        What is reported.
    folder : Path
        Folder, made when it is missing.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    InputError
        The folder cannot be written to.
    """
    from ...io.output.overview import save_overview
    from ...io.output.staging import staged_directory
    from ...report.page import save_page
    from ...report.pdf import save_pdf
    from ...report.viewer import save_viewer

    with staged_directory(folder, listed=False) as stage:
        save_pdf(stage / "report.pdf", content)
        save_viewer(stage / "viewer.html", content)
        if content.series is not None:
            save_overview(content.series, content.maps, stage / "overview.png")
            save_page(stage / "report.html", content, stage / "overview.png")
        names = sorted(path.name for path in stage.iterdir())
    return [folder / name for name in names]


def parameter_maps(maps: MapNodes) -> ParameterMaps:
    """Maps of a run out of the scene.

    Raises
    ------
    InputError
        A map or the provenance is not in the scene any more.
    """
    missing = [info.title for name, info in MAP_INFO.items() if name not in maps]
    if missing:
        raise InputError(
            tr("The maps {names} are not in the scene any more; press Apply for all maps.").format(names=", ".join(missing))
        )
    try:
        provenance = provenance_from_dict(maps.provenance())
    except TypeError as error:
        raise InputError(tr("The provenance of the maps is damaged ({error}); press Apply.").format(error=error)) from error
    arrays = {name: np.ascontiguousarray(array_of(maps[name]), dtype=np.float32) for name in MAP_INFO}
    return ParameterMaps(
        **arrays,
        mask=map_arrays(maps).mask,
        geometry=geometry_of(maps.pdff),
        provenance=provenance,
    )


def export_objects(content: ExportContent, folder: Path, sources: Sequence[Path], identity: Identity | None) -> list[Path]:
    """Write the objects into a folder, all of them or none.

    Parameters
    ----------
    content : ExportContent
        What the objects hold.
    folder : Path
        Folder.
    sources : sequence of Path
        DICOM files of the scan.
    identity : Identity, optional
        Identity to write instead of the scan's.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    InputError
        As `io.output.dicom.export.export_dicom`.
    """
    from ...io.output.dicom.export import export_dicom
    from ...io.output.staging import staged_directory

    with staged_directory(folder, listed=False) as stage:
        written = export_dicom(content, stage, sources, identity)
    return [folder / one.path.name for one in written]


def add_to_database(paths: Sequence[Path]) -> bool:
    """Copy files into Slicer's DICOM database; False where it is not open."""
    database = getattr(slicer, "dicomDatabase", None)
    if database is None or not database.isOpen:
        return False
    for path in paths:
        database.insert(str(path), True, False, True)
    return True


def _segments(regions: Sequence[DrawnRegion], shape: tuple[int, ...]) -> dict[str, Segment]:
    """Voxels of each row of the table by its name."""
    found = [Segment(region.name, whole_voxels(region, shape), region.terminology) for region in regions]
    drawn = [segment for segment in found if " ROI " not in segment.name]
    circles = [segment.mask for segment in found if " ROI " in segment.name]
    every = {segment.name: segment for segment in [*found, *with_groups(drawn, np.ones(shape, np.bool_))]}
    return every | ({ALL_CIRCLES: Segment(ALL_CIRCLES, np.any(circles, axis=0))} if circles else {})
