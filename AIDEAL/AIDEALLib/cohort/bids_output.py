"""Results of scans as BIDS derivatives: maps in NIfTI, named by their entities, with sidecars."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..io.output.staging import staged_file
from ..version import __version__
from .record import RECORD, Record, scan_folder

BIDS_VERSION = "1.10.0"
CODE = "https://github.com/aideal-mri/SlicerAIDEAL"
IGNORED = (
    "scans",
    "failed",
    "cohort.*",
    "scans.csv",
    "marks.csv",
    "qc.html",
    "group.html",
    "*_PDFFmap.nii.gz",
    "*_PDFFmap.json",
)
"""Patterns for `.bidsignore`: what BIDS has no names for, fat fractions among it."""


@dataclass(frozen=True)
class Derivative:
    """A map as a derivative.

    Attributes
    ----------
    map : str
        Name of the map in the results of a run.
    description : str
        Value of the entity `desc`.
    suffix : str
        BIDS suffix.
    units : str
        Unit; '' for a mask.
    text : str
        What it shows.
    """

    map: str
    description: str
    suffix: str
    units: str
    text: str


DERIVATIVES: tuple[Derivative, ...] = (
    Derivative("pdff", "aideal", "PDFFmap", "percent", "Proton density fat fraction, signed"),
    Derivative(
        "pdff_total_sd", "aidealsd", "PDFFmap", "percentage points", "Standard deviation of the fat fraction, swaps included"
    ),
    Derivative("r2star", "aideal", "R2starmap", "1/s", "R2*"),
    Derivative("r2star_sd", "aidealsd", "R2starmap", "1/s", "Standard deviation of R2*"),
    Derivative("mask", "foreground", "mask", "", "Voxels that were estimated"),
)


def write_dataset(out: Path) -> None:
    """Write what makes a folder a dataset of derivatives."""
    description = {
        "Name": "AIDEAL: fat fraction and R2* with their uncertainty",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "AIDEAL", "Version": __version__, "CodeURL": CODE}],
    }
    readme = (
        "PDFF and R2* with their standard deviations, estimated by AIDEAL. Research use only, not for diagnosis.\n"
        "Tables of all scans: cohort.csv, cohort.parquet; pages: qc.html, group.html.\n"
    )
    texts = {
        "dataset_description.json": json.dumps(description, indent=2) + "\n",
        "README.md": readme,
        ".bidsignore": "\n".join(IGNORED) + "\n",
    }
    for name, text in texts.items():
        with staged_file(out / name) as partial:
            partial.write_text(text, encoding="utf-8")


def write_derivatives(out: Path, record: Record, sources: Sequence[str]) -> list[Path]:
    """Write the maps of a scan as derivatives; those that are newer than the results are left as they are.

    Parameters
    ----------
    out : Path
        The dataset.
    record : Record
        A scan with results.
    sources : sequence of str
        Files of the scan, relative to its dataset.

    Returns
    -------
    list of Path
        Maps written.
    """
    entities, results = record.scan["entities"], scan_folder(out, record.id)
    folder = out / f"sub-{entities['sub']}" / (f"ses-{entities['ses']}" if "ses" in entities else "") / "anat"
    folder.mkdir(parents=True, exist_ok=True)
    finished = (results / RECORD).stat().st_mtime_ns
    written = []
    for derivative in DERIVATIVES:
        path = folder / f"{record.id}_desc-{derivative.description}_{derivative.suffix}.nii.gz"
        sidecar = path.with_name(path.name.replace(".nii.gz", ".json"))
        if path.is_file() and sidecar.is_file() and sidecar.stat().st_mtime_ns >= finished:
            continue
        _write_map(results / f"{derivative.map}.nrrd", path)
        with staged_file(sidecar) as partial:
            partial.write_text(json.dumps(_sidecar(derivative, record, sources), indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _write_map(source: Path, path: Path) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(source))
    for key in image.GetMetaDataKeys():
        image.EraseMetaData(key)
    with staged_file(path) as partial:
        named = partial.with_name(f"{partial.name}.nii.gz")
        try:
            sitk.WriteImage(image, str(named))
            named.replace(partial)
        finally:
            named.unlink(missing_ok=True)


def _sidecar(derivative: Derivative, record: Record, sources: Sequence[str]) -> Mapping[str, Any]:
    kind = {"Type": "ROI"} if not derivative.units else {"Units": derivative.units}
    return {
        "Description": derivative.text,
        **kind,
        "Sources": [f"bids:raw:{source}" for source in sources],
        "SkullStripped": False,  # required of every map of a derivative dataset
        "EstimationSoftwareName": "AIDEAL",
        "EstimationSoftwareVersion": __version__,
        "EstimationAlgorithm": record.card.get("method", ""),
        "Settings": record.settings,
        "ContentOfSources": record.content,
        "ResearchUse": "Research use only, not for diagnosis.",
    }
