"""`qc.html`: a card a scan, sorted by need to look, with marks of readers; one file without a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..io.output.staging import staged_file
from ..report.templating import encoded, render
from ..scan_run.folder import REPORT
from .card import PICTURE, UNITS
from .marks import MARKS, VERDICTS, Mark
from .outliers import LIMIT, distances
from .record import SCANS, Record, scan_folder
from .scan_rows import FAILED, status_of

PAGE = "qc.html"
LARGEST_PICTURES_BYTES = 24_000_000
"""Pictures are inside the page up to this size; beyond it the page shows those beside the results."""
QUANTITIES: dict[str, str] = {
    "pdff": "PDFF",
    "r2star": "R2*",
    "sd": "SD",
    "snr": "SNR",
    "residual": "Residual",
    "swap": "P(swap)",
}
NEED = {"failed": 400, "stop": 300, "warn": 200, "info": 100, "": 0}
"""Need to look at a scan by its worst finding; an outlier is like a warning."""
MOST_OF_DISTANCE = 90.0


def save_gallery(out: Path, records: Sequence[Record], marks: Mapping[str, Mark]) -> None:
    """Write the page.

    Parameters
    ----------
    out : Path
        Folder of the cohort.
    records : sequence of Record
        Scans that have been run, failed ones included; their rows are not needed.
    marks : Mapping of str to Mark
        Marks of readers by id of the scan.
    """
    pictures = [scan_folder(out, record.id) / PICTURE for record in records]
    inside = sum(picture.stat().st_size for picture in pictures if picture.is_file()) <= LARGEST_PICTURES_BYTES
    cards = cards_of(records, marks)
    for card, picture in zip(cards, pictures, strict=True):
        if card["status"] == FAILED or not picture.is_file():
            card["picture"] = ""
        elif inside:
            card["picture"] = "data:image/jpeg;base64," + encoded(picture.read_bytes())
        else:
            card["picture"] = f"{SCANS}/{card['id']}/{PICTURE}"
        report = scan_folder(out, card["id"]) / REPORT
        card["report"] = f"{SCANS}/{card['id']}/{REPORT}" if report.is_file() else ""
    quantities = [{"name": name, "title": title, "unit": UNITS[name]} for name, title in QUANTITIES.items()]
    page = render(
        "gallery.html.j2",
        title=f"Cohort of {len(cards)} scans",
        research_use="Research use only, not for diagnosis.",
        marks_file=MARKS,
        verdicts=VERDICTS,
        content={"cards": cards, "quantities": quantities, "limit": LIMIT},
    )
    with staged_file(out / PAGE) as partial:
        partial.write_text(page, encoding="utf-8")


def cards_of(records: Sequence[Record], marks: Mapping[str, Mark]) -> list[dict[str, Any]]:
    """What the page shows of each scan, sorted by need to look.

    Parameters
    ----------
    records : sequence of Record
        Scans that have been run.
    marks : Mapping of str to Mark
        Marks by id of the scan.

    Returns
    -------
    list of dict
    """
    values = {name: [record.card.get("values", {}).get(name) for record in records] for name in QUANTITIES}
    apart = distances(values, [record.card.get("protocol", "") for record in records])
    cards = []
    for number, record in enumerate(records):
        z = {name: float(apart[name][number]) for name in QUANTITIES}
        mark = marks.get(record.id, Mark(""))
        cards.append({**_card(record, z), "mark": mark.verdict, "note": mark.note})
    return sorted(cards, key=lambda card: (-card["need"], card["id"]))


def _card(record: Record, z: Mapping[str, float]) -> dict[str, Any]:
    content, status = record.card, status_of(record)
    findings = [finding for finding in content.get("findings", ()) if finding["severity"] != "info"]
    outliers = [name for name, distance in z.items() if abs(distance) >= LIMIT]
    severity = "failed" if record.failure else content.get("severity", "")
    withheld = content.get("regions_withheld", {})
    need = max(NEED[severity], NEED["warn"] if outliers or withheld else 0) + 10 * max(0, len(findings) - 1)
    without = (f"No number for {region}: {reason}" for region, reason in withheld.items())
    sentences = (record.failure.get("reason", ""), *without, *(f["sentence"] for f in findings))
    worst = next(filter(None, sentences), "")
    if not worst and outliers:
        worst = "Apart from other scans of its protocol: " + ", ".join(QUANTITIES[name] for name in outliers)
    return {
        "id": record.id,
        "participant": record.scan["participant"],
        "session": record.scan["session"],
        "facts": dict(record.scan["facts"]),
        "status": status,
        "severity": severity,
        "codes": [record.failure["kind"]] if record.failure else [finding["code"] for finding in findings],
        "worst": worst,
        "outliers": outliers,
        "need": round(need + min(MOST_OF_DISTANCE, 5 * max(map(abs, z.values()))), 2),
        "protocol": content.get("protocol", ""),
        "method": content.get("method", ""),
        "region": content.get("region", ""),
        "values": {name: _rounded(value) for name, value in content.get("values", {}).items()},
        "low": _rounded(content.get("low")),
        "high": _rounded(content.get("high")),
    }


def _rounded(value: float | None) -> float | None:
    """Four digits are enough to show; None where unknown."""
    return float(np.format_float_positional(value, 4, fractional=False)) if value is not None and math.isfinite(value) else None
