"""DICOM objects of a result into a folder and to an archive; a scan from an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from ..options import Overrides
from ..scratch import ScratchFolder, remove_abandoned

if TYPE_CHECKING:
    from rich.console import Console

    from ..io.output.dicom.content import ExportContent

FOLDERS = "aideal-images-"
Dicom = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder for the result as DICOM objects: maps, segmentation, report.", show_default=False),
]
Anonymous = Annotated[bool, typer.Option("--anonymous", help="Write a new identity instead of the source's.")]
PatientName = Annotated[str, typer.Option(metavar="FAMILY^GIVEN", help="Name to write instead.", show_default=False)]
PatientId = Annotated[str, typer.Option(metavar="ID", help="Identifier to write instead.", show_default=False)]
BirthDate = Annotated[str, typer.Option(metavar="YYYYMMDD", help="Birth date to write instead.", show_default=False)]
Sex = Annotated[str, typer.Option(metavar="M|F|O", help="Sex to write instead.", show_default=False)]
Send = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="DICOMweb archive that receives the objects; credentials come from AIDEAL_DICOMWEB_TOKEN, or "
        "AIDEAL_DICOMWEB_USER and AIDEAL_DICOMWEB_PASSWORD.",
        show_default=False,
    ),
]
From = Annotated[
    str,
    typer.Option("--from", metavar="URL", help="DICOMweb archive to read the scan from, with --study.", show_default=False),
]


@dataclass(frozen=True)
class ExportOptions:
    """Where DICOM objects go, and whose they are.

    Attributes
    ----------
    folder : Path or None
        Folder that keeps them.
    anonymous : bool
        Write a new identity.
    patient_name, patient_id, birth_date, sex : str
        Identity to write; '' for none of its own.
    send : str
        URL of the archive; '' for none.
    """

    folder: Path | None
    anonymous: bool = False
    patient_name: str = ""
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""
    send: str = ""

    @property
    def requested(self) -> bool:
        """Whether there is anything to do."""
        return self.folder is not None or bool(self.send)

    def check(self, inputs: Sequence[Path] = ()) -> None:
        """Find out before a run what would make the export fail after it.

        Parameters
        ----------
        inputs : sequence of Path
            Files and folders that are read, which must not be written into.

        Raises
        ------
        InputError
            A library is missing, an address or the identity is not valid, the folder cannot be written to, or options
            contradict each other.
        """
        given = any((self.anonymous, self.patient_name, self.patient_id, self.birth_date, self.sex))
        if given and not self.requested:
            raise InputError("An identity is written into DICOM objects only; name their folder (--dicom DIR) as well.")
        if not self.requested:
            return
        from ..io.dicomweb import Archive
        from ..io.output.dicom.export import require_highdicom
        from ..io.output.target import probe

        require_highdicom()
        self.identity()
        if self.folder is not None:
            probe(self.folder, inputs)
        if self.send:
            Archive(self.send)

    def identity(self) -> object:
        """Identity to write, None for that of the source."""
        from ..io.output.dicom.study import Identity

        stated = (self.patient_name, self.patient_id, self.birth_date, self.sex)
        if not any(stated):
            return Identity() if self.anonymous else None
        if self.anonymous:
            raise InputError("--anonymous was given with an identity; one of both was expected.")
        return Identity(self.patient_name or "Research^Subject", self.patient_id, self.birth_date, self.sex)


def export_and_send(console: Console, options: ExportOptions, content: ExportContent, sources: Sequence[Path]) -> None:
    """Write the objects, send them where that is requested, and print what was done.

    Parameters
    ----------
    console : Console
        Screen.
    options : ExportOptions
        Where to.
    content : ExportContent
        What.
    sources : sequence of Path
        Files of the scan.

    Raises
    ------
    InputError
        As `export_dicom` and `Archive.send`.
    """
    from ..io.output.dicom.export import export_dicom
    from ..io.output.staging import staged_directory

    with _folder(options.folder) as folder:
        with staged_directory(folder, listed=False) as stage, console.status("Writing DICOM objects"):
            written = export_dicom(content, stage, sources, options.identity())  # type: ignore[arg-type]
        if options.folder is not None:
            console.print(f"DICOM: {len(written)} objects in {folder.resolve()}", markup=False, highlight=False, soft_wrap=True)
        if options.send:
            send(console, options.send, [folder / object_.path.name for object_ in written])


def send(console: Console, url: str, paths: Sequence[Path]) -> None:
    """Send objects to an archive and print how many it has confirmed."""
    from ..io.dicomweb import Archive

    archive = Archive(url)
    with console.status(f"Sending to {archive.host}"):
        sent = archive.send(paths)
    there = f", {sent.present} were there" if sent.present else ""
    console.print(f"Sent to {archive.host}: {sent.stored} objects stored{there}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def scan_files(inputs: Sequence[Path], url: str, study_uid: str) -> Iterator[list[Path]]:
    """Files of the scan: those named, or retrieved from an archive and removed afterwards.

    Parameters
    ----------
    inputs : sequence of Path
        Files named.
    url : str
        Address of the archive, '' for none.
    study_uid : str
        Study in the archive.

    Yields
    ------
    list of Path

    Raises
    ------
    InputError
        Neither files nor an archive, or both, are named; or as `Archive.retrieve`.
    """
    if url and not study_uid:
        raise InputError("--from and --study belong together: the address of the archive and the UID of the study.")
    if bool(inputs) == bool(url):
        raise InputError("A scan was expected: either its files, or an archive (--from URL --study UID).")
    if not url:
        yield list(inputs)
        return
    from ..io.dicomweb import Archive

    with _temporary() as folder:
        Archive(url).retrieve(study_uid, folder)
        yield [folder]


def chosen_files(files: Sequence[Path], overrides: Overrides) -> list[Path]:
    """Files of the scan among those named: its study and series, where the user chose them."""
    from ..io.dicom.origin import ScanChoice
    from ..io.dicom.read import is_dicom, scan_stack

    choice = ScanChoice(overrides.study, overrides.series)
    if not choice or not is_dicom(list(files)):
        return list(files)
    return list(dict.fromkeys(frame.path for frame in scan_stack(files, choice)[0]))


@contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        yield chosen
        return
    with _temporary() as folder:
        yield folder / "dicom"


@contextmanager
def _temporary() -> Iterator[Path]:
    """Folder for images of a patient; when the process is killed, the next one that needs such a folder removes it."""
    remove_abandoned(FOLDERS)
    scratch = ScratchFolder(FOLDERS)
    images = scratch.path / "images"
    images.mkdir()
    try:
        yield images
    finally:
        scratch.remove()
