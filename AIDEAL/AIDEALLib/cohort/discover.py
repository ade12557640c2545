"""Scans of a cohort from whatever it is given as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .bids_input import find_bids, is_bids
from .identity import Pseudonyms
from .manifest import ParseOptions, is_manifest, read_manifest
from .scan import Found
from .tree import find_in_tree


@dataclass(frozen=True)
class SourceRequest:
    """Where a cohort is.

    Attributes
    ----------
    source : Path
        BIDS dataset, table of scans, or folder of scans in any format and depth.
    out : Path
        Folder of the results, which is not searched.
    parse_options : callable
        Reads options of a run from words, as the table may hold them.
    keep_names : bool
        Take ids from paths.
    participants : tuple of str
        Labels of the participants of a BIDS dataset; all of them when empty.
    segmentations : Path or None
        BIDS derivatives with a segmentation of each scan.
    """

    source: Path
    out: Path
    parse_options: ParseOptions
    keep_names: bool = False
    participants: tuple[str, ...] = ()
    segmentations: Path | None = None


def find_scans(request: SourceRequest, pseudonyms: Pseudonyms) -> Found:
    """Scans of a cohort.

    Parameters
    ----------
    request : SourceRequest
        Where it is.
    pseudonyms : Pseudonyms
        Give neutral ids.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        The source does not exist, is damaged, or holds no scan.
    """
    source = request.source
    if is_manifest(source):
        _refuse(request.participants, request.segmentations, "a table of scans")
        found = read_manifest(source, request.parse_options)
    elif not source.is_dir():
        what = "is a file" if source.exists() else "does not exist"
        raise InputError(f"{source} {what}; a BIDS dataset, a folder of scans, or a table of scans (CSV, TSV) was expected.")
    elif is_bids(source):
        found = find_bids(source, request.participants, request.segmentations)
    else:
        _refuse(request.participants, request.segmentations, "a folder that is no BIDS dataset (dataset_description.json)")
        found = find_in_tree(source, pseudonyms, request.keep_names, [request.out])
    if not found.scans:
        reasons = "; ".join(f"{entry.place}: {entry.reason}" for entry in found.skipped[:3])
        raise InputError(f"{source} holds no multi-echo scan ({reasons or 'no files'}). Check the path.")
    return found


def _refuse(participants: Sequence[str], segmentations: Path | None, kind: str) -> None:
    if participants or segmentations is not None:
        raise InputError(
            f"Labels of participants and a dataset of segmentations belong to a BIDS dataset; the source is {kind}. Leave "
            "them out, or name segmentations in a table of scans."
        )
