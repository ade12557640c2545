"""One line a scan: what became of it, and what its source states."""

from __future__ import annotations

from typing import Any

from .record import Record
from .scan import CohortScan, Skipped

DONE, WITHHELD, UNUSABLE, FAILED, WAITING, SKIPPED = "done", "withheld", "unusable", "failed", "waiting", "skipped"


def status_of(record: Record) -> str:
    """What became of a scan; `UNUSABLE` where its numbers mean nothing, `WITHHELD` where a region has none."""
    if record.failure:
        return FAILED
    if record.card.get("severity") == "stop":
        return UNUSABLE
    return WITHHELD if record.card.get("regions_withheld") else DONE


def row_of(record: Record) -> dict[str, Any]:
    """Line of a scan that has been run."""
    card, scan = record.card, record.scan
    values = card.get("values", {})
    return {
        "scan": record.id,
        "participant": scan["participant"],
        "session": scan["session"],
        "status": status_of(record),
        "reason": record.failure.get("reason", ""),
        "kind": record.failure.get("kind", ""),
        "findings": " ".join(f"{f['severity']}:{f['code']}" for f in card.get("findings", ())),
        "protocol": card.get("protocol", ""),
        "method": card.get("method", ""),
        "region": card.get("region", ""),
        "withheld": "; ".join(f"{name}: {reason}" for name, reason in card.get("regions_withheld", {}).items()),
        "pdff_percent": values.get("pdff"),
        "pdff_95_low_percent": card.get("low"),
        "pdff_95_high_percent": card.get("high"),
        "seconds": round(sum(record.seconds.values()), 2) if record.seconds else None,
        **scan["facts"],
    }


def row_waiting(scan: CohortScan) -> dict[str, Any]:
    """Line of a scan that has not been run."""
    return {"scan": scan.id, "participant": scan.participant, "session": scan.session, "status": WAITING}


def row_skipped(entry: Skipped, number: int, keep_names: bool) -> dict[str, Any]:
    """Line of something in the source that is no scan.

    Parameters
    ----------
    entry : Skipped
        What it is.
    number : int
        Stands for its place, which may name a patient.
    keep_names : bool
        Give its place.

    Returns
    -------
    dict
        Values by column.
    """
    return {"scan": entry.place if keep_names else f"skipped {number}", "status": SKIPPED, "reason": entry.reason}
