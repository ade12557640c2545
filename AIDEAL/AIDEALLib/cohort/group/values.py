"""One number a scan, with who was scanned, when and how."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...statistics.interval import TWO_SIDED_95
from ..marks import Mark
from ..record import Record
from ..scan_rows import FAILED, UNUSABLE, status_of

DATE = "date"


@dataclass(frozen=True)
class Value:
    """PDFF of the main region of a scan.

    Attributes
    ----------
    scan : str
        Id.
    participant : str
        Who was scanned.
    session : str
        Visit.
    pdff : float
        PDFF in percent.
    error : float
        Its standard error; NaN where unknown.
    conditions : Mapping of str to str
        Protocol, method, and what the source states (scanner, site, reader, ...), the date apart.
    """

    scan: str
    participant: str
    session: str
    pdff: float
    error: float
    conditions: Mapping[str, str]


def usable_values(records: Iterable[Record], marks: Mapping[str, Mark]) -> list[Value]:
    """Values of scans that can be used: without a failure or a finding that their numbers mean nothing, and not rejected.

    Parameters
    ----------
    records : iterable of Record
        Scans that have been run.
    marks : Mapping of str to Mark
        Marks of readers.

    Returns
    -------
    list of Value
    """
    found = []
    for record in records:
        pdff = record.card.get("values", {}).get("pdff")
        rejected = marks.get(record.id, Mark("")).verdict == "reject"
        if status_of(record) in (FAILED, UNUSABLE) or rejected or pdff is None or not math.isfinite(pdff):
            continue
        low, high = record.card.get("low"), record.card.get("high")
        facts = {name: value for name, value in record.scan["facts"].items() if name != DATE}
        conditions = {"protocol": record.card["protocol"], "method": record.card["method"], **facts}
        error = math.nan if low is None or high is None else (high - low) / (2 * TWO_SIDED_95)
        participant = record.scan["participant"] or record.id
        found.append(Value(record.id, participant, record.scan["session"], pdff, error, conditions))
    return found
