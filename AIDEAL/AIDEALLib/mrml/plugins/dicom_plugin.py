"""Multi-echo scans in Slicer's DICOM browser: all echoes and both parts of the signal as one entry.

Slicer's own plug-ins split by series, image type and orientation, never by echo time, and load the first echo alone. The
examination of files must not raise: that would hide the entries of all other plug-ins.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

from ..nodes import INSTANCES

if TYPE_CHECKING:
    from ...io.dicom.survey import FoundScan

PLUGIN_NAME = "AIDEALDICOMPlugin"
CONFIDENCE, CONFIDENCE_WITHOUT_PHASE = 0.95, 0.4
"""Scalar volumes of the core have 0.5: a scan with phase comes before them, magnitudes alone do not."""
_TAGS = {
    "modality": "0008,0060",
    "studyInstanceUID": "0020,000D",
    "seriesDescription": "0008,103E",
    "seriesNumber": "0020,0011",
    "seriesInstanceUID": "0020,000E",
    "echoTime": "0018,0081",
    "imageType": "0008,0008",
}


def plugin_class(base: type, loadable_class: type) -> type:
    """The plug-in as a subclass of DICOMLib's `DICOMPlugin`; `loadable_class` is its `DICOMLoadable`."""

    class PartOfScan(loadable_class):
        """Entry for a series that is loaded with another one; it cannot be ticked."""

        @property
        def selected(self) -> bool:
            """Never ticked."""
            return False

        @selected.setter
        def selected(self, _value: bool) -> None: ...

    class AIDEALDICOMPluginClass(base):
        """Offers each multi-echo scan of a study as one loadable."""

        def __init__(self) -> None:
            super().__init__()
            self.loadType = "AIDEAL multi-echo"
            self.tags.update(_TAGS)

        def examineForImport(self, fileLists: Sequence[Sequence[str]]) -> list[Any]:
            """Loadables for the file lists (one a series); [] where there is no multi-echo scan, or on any error."""
            try:
                found = [scan for study in _studies(fileLists) for scan in _survey(study)]
                offers = [self._loadable(scan) for scan in found]
                return offers + [part for offer in offers if offer.selected for part in self._parts(offer)]
            except Exception:
                logging.warning("AIDEAL: DICOM files could not be examined", exc_info=True)
                return []

        def load(self, loadable: Any) -> bool:
            """Put the scan into the scene as sequences over echo time; False, with a message, where it cannot be read."""
            from ...errors import AidealError
            from ...io.load import load_series
            from ..scan.sequences import SCAN_LOADED, add_series

            if isinstance(loadable, PartOfScan):
                return True
            try:
                series = load_series([Path(path) for path in loadable.files])
            except AidealError as error:
                slicer.util.errorDisplay(str(error))
                return False
            stored = add_series(slicer.mrmlScene, series, loadable.name)
            for node in stored.nodes:
                self._place(loadable, node)
                _remember_instances(node, loadable.files)
            SCAN_LOADED.emit(stored)
            return True

        def _parts(self, offer: Any) -> list[Any]:
            """One entry for each further series of a scan, never ticked: it outranks the scalar volumes of that series.

            Slicer ticks the best entries of every series, by the series of an entry's first file. A phase series, which is
            loaded with its magnitudes, would otherwise be ticked as a scalar volume.
            """
            of_series: dict[str, list[str]] = {}
            for file in offer.files:
                of_series.setdefault(_value(file, "seriesInstanceUID"), []).append(file)
            parts = []
            for files in list(of_series.values())[1:]:
                part = PartOfScan()
                part.files, part.confidence = files, CONFIDENCE
                part.name = f"{_value(files[0], 'seriesNumber')}: part of {offer.name}"
                part.tooltip = f"Loaded with {offer.name}"
                parts.append(part)
            return parts

        def _loadable(self, scan: FoundScan) -> Any:
            first = str(scan.paths[0])
            loadable = loadable_class()
            loadable.files = [str(path) for path in scan.paths]
            described = _value(first, "seriesDescription") or "Multi-echo scan"
            number = _value(first, "seriesNumber")
            loadable.name = f"{number}: {described}" if number else described
            loadable.tooltip = f"{scan.echoes} echoes, {scan.slices} slices, {scan.parts}, for fat fraction with AIDEAL"
            loadable.warning = scan.problem
            if not scan.problem and not scan.has_phase:
                loadable.warning = "Magnitudes without phase: fat fractions above 50 % are not distinguished from those below."
            loadable.selected = scan.has_phase and not scan.problem
            loadable.confidence = CONFIDENCE if loadable.selected else CONFIDENCE_WITHOUT_PHASE
            return loadable

        def _place(self, loadable: Any, node: Any) -> None:
            """Under the patient and study of the first file; a scan that cannot be placed is loaded nevertheless."""
            try:
                self.addSeriesInSubjectHierarchy(loadable, node)
            except Exception:
                logging.warning("AIDEAL: %s has no place in the subject hierarchy", node.GetName(), exc_info=True)

    return AIDEALDICOMPluginClass


def register() -> bool:
    """Add the plug-in to Slicer's, once or repeatedly; False where Slicer was built without DICOM."""
    try:
        from DICOMLib import DICOMLoadable, DICOMPlugin

        if not hasattr(slicer.modules, "dicomPlugins"):  # the DICOM module may come later
            slicer.modules.dicomPlugins = {}
        slicer.modules.dicomPlugins[PLUGIN_NAME] = plugin_class(DICOMPlugin, DICOMLoadable)
    except Exception:
        logging.debug("AIDEAL: DICOM plug-in not registered", exc_info=True)
        return False
    return True


def _studies(file_lists: Iterable[Sequence[str]]) -> list[list[list[Path]]]:
    """Series of MR images by study, in the order of their numbers."""
    studies: dict[str, list[tuple[float, list[Path]]]] = {}
    for files in file_lists:
        if not files or _value(files[0], "modality") not in ("MR", ""):
            continue
        number = _value(files[0], "seriesNumber")
        order = float(number) if number.isdigit() else 0.0
        studies.setdefault(_value(files[0], "studyInstanceUID"), []).append((order, [Path(file) for file in files]))
    return [[paths for _, paths in sorted(series, key=lambda entry: entry[0])] for series in studies.values()]


def _survey(series: Sequence[Sequence[Path]]) -> list[FoundScan]:
    from ...io.dicom.survey import survey

    return survey(series)


def _remember_instances(node: Any, files: Sequence[str]) -> None:
    """Keep the identifiers of the files with a node, so that results can refer to them."""
    database = getattr(slicer, "dicomDatabase", None)
    if database is not None:
        node.SetAttribute(INSTANCES, " ".join(filter(None, (database.instanceForFile(file) for file in files))))


def _value(file: str, name: str) -> str:
    """An element as Slicer's DICOM database has it, '' where it has none."""
    database = getattr(slicer, "dicomDatabase", None)
    return str(database.fileValue(file, _TAGS[name]) or "") if database is not None else ""
