"""All objects of a result, written into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import InputError
from .classic_series import classic_series, references_to
from .content import ExportContent
from .encapsulated_pdf import encapsulated_pdf
from .parametric_map import parametric_map
from .quantities import QUANTITIES
from .segmentation import segmentation
from .structured_report import structured_report
from .study import Identity, study_of
from .uids import maps_digest

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

INSTALL = "pip install 'aideal[dicom]'"


@dataclass(frozen=True)
class Exported:
    """A file written.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        What it holds, such as 'parametric map'.
    name : str
        Which one, such as 'pdff'.
    """

    path: Path
    kind: str
    name: str


def export_dicom(
    content: ExportContent,
    folder: Path,
    sources: Sequence[Path] = (),
    identity: Identity | None = None,
    progress: Callable[[str], None] | None = None,
) -> list[Exported]:
    """Write a result as DICOM objects.

    Parameters
    ----------
    content : ExportContent
        What to export.
    folder : Path
        Where to write; it must exist.
    sources : sequence of Path
        Files of the scan; DICOM sources give patient, study and source images.
    identity : Identity, optional
        Identity to write instead, in a new study without references to the source.
    progress : callable, optional
        Receives the name of each kind of object before it is made.

    Returns
    -------
    list of Exported
        The files, in the order in which an archive should receive them.

    Raises
    ------
    InputError
        highdicom is not installed, the sources are not those of the result, or a file cannot be written.
    """
    require_highdicom()
    written = []
    with _quiet():
        for kind, name, number, dataset in _objects(content, sources, identity, progress or (lambda _: None)):
            path = folder / ("-".join([*kind.split(), name, *([f"{number:03d}"] if number else [])]) + ".dcm")
            _save(dataset, path)
            written.append(Exported(path, kind, name))
    return written


def require_highdicom() -> None:
    """Raise an InputError that names the remedy where highdicom is missing."""
    try:
        import highdicom  # noqa: F401
    except ImportError as error:
        raise InputError(f"DICOM objects are written with highdicom, which is not installed ({error}). {INSTALL}") from error


def _objects(
    content: ExportContent, sources: Sequence[Path], identity: Identity | None, progress: Callable[[str], None]
) -> Iterator[tuple[str, str, int, Dataset]]:
    maps = content.maps
    study = study_of(sources, maps.geometry, maps.mask.shape, maps_digest(maps), identity)
    references = study.references
    progress("classic series")
    if not references:  # the water images serve as source images of a scan that is not DICOM
        references = tuple(map(tuple, references_to(classic_series("water", maps, study, None))))
    for name in sorted(QUANTITIES, key=lambda n: n != "water"):
        own = references if study.references or name != "water" else None
        for number, image in enumerate(classic_series(name, maps, study, own), start=1):
            yield "classic series", name, number, image
    progress("parametric maps")
    for name in QUANTITIES:
        yield "parametric map", name, 0, parametric_map(name, maps, study, references)
    segments = None
    if measured := [region for region in content.regions if region.mask.any()]:
        progress("segmentation")
        segments = segmentation(measured, maps, study, references)
        yield "segmentation", "regions", 0, segments
    progress("structured report")
    yield "structured report", "measurements", 0, structured_report(content, study, references, segments)
    if content.report_pdf is not None:
        progress("report")
        title = "Liver fat fraction, research use only"
        yield "encapsulated pdf", "report", 0, encapsulated_pdf(content.report_pdf, maps.provenance, study, references, title)


def _save(dataset: Dataset, path: Path) -> None:
    partial = path.with_suffix(".partial")
    try:
        dataset.save_as(partial, enforce_file_format=True)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"Cannot write {path} ({error.strerror}); a writable folder with room was expected.") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Headers of scanners break rules that pydicom and highdicom warn of on copying."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
