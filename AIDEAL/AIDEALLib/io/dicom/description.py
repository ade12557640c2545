"""Name of a scan for people, from the headers of its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...errors import InputError
from ...escaping import plain
from .elements import quiet, value
from .files import dicom_files

_READ = ("SeriesDescription", "SeriesInstanceUID", "SeriesNumber", "Modality")
MOST_FILES = 5000
LONGEST = 60


def series_description(paths: Sequence[Path], series: str = "") -> str:
    """Series description of the series with most files, as a multi-echo scan is beside localizers; '' where there is none.

    `series` names the series numbers that count, separated by commas; all where it is empty.

    The text is for the screen: it may name a patient, so results do not hold it.
    """
    import pydicom

    counts: Counter[str] = Counter()
    descriptions: dict[str, tuple[float, str]] = {}
    try:
        files = dicom_files(paths)[:MOST_FILES]
    except InputError:
        return ""
    for path in files:
        try:
            with quiet():
                header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_READ))
        except Exception:  # the scan was loaded already; a damaged file beside it only lacks a name on the screen
            continue
        number, uid = value(header, "SeriesNumber"), str(value(header, "SeriesInstanceUID") or "")
        if series and str(number) not in series.split(","):
            continue
        order = float(number) if isinstance(number, int | float) else 0.0
        counts[uid] += 1
        descriptions.setdefault(uid, (order, str(value(header, "SeriesDescription") or "")))
    if not counts:
        return ""
    largest = max(counts.values())
    candidates = sorted(descriptions[uid] for uid, count in counts.items() if count == largest)
    return plain(next((text for _, text in candidates if text), "")).strip()[:LONGEST]
