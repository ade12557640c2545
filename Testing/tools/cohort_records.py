"""Records of a cohort that was never run: for pages and figures of a thousand scans without their runs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from AIDEALLib.cohort.card import HEIGHT, PICTURE
from AIDEALLib.cohort.record import Record, scan_folder
from AIDEALLib.statistics import TANG_2015, Interval

PROTOCOLS = ("1.5 T, 6 echoes, 1.30 to 11.80 ms", "3 T, 6 echoes, 1.20 to 6.20 ms", "1.5 T, 3 echoes, 1.60 to 4.70 ms")
SCANNERS = ("A", "B")
REPEATED_SD, SCANNER_BIAS = 0.8, 1.5


def records(count: int, seed: int = 0) -> list[Record]:
    """Participants with two sessions on scanner A, every other one also on scanner B, which reads `SCANNER_BIAS` higher."""
    rng = np.random.default_rng(seed)
    made: list[Record] = []
    participant = 0
    while len(made) < count:
        participant += 1
        truth = float(np.clip(rng.lognormal(1.6, 0.9), 0.3, 45))
        visits = [("ses-1", 0), ("ses-2", 0)] + ([("ses-1", 1)] if participant % 2 else [])
        for session, scanner in visits[: count - len(made)]:
            pdff = truth + REPEATED_SD * rng.normal() + SCANNER_BIAS * scanner
            made.append(_record(f"p{participant:04d}", session, scanner, pdff, rng))
    return made


def _record(participant: str, session: str, scanner: int, pdff: float, rng: np.random.Generator) -> Record:
    name, error = f"{participant}_{session}_{SCANNERS[scanner]}", 0.3
    interval = Interval(pdff, error)
    findings = []
    fate = rng.random()
    if fate < 0.03:
        findings.append(
            {"code": "motion-between-echoes", "severity": "warn", "sentence": "Echoes lie apart by 3.0 pixels <b>&</b>."}
        )
    facts = {"scanner": SCANNERS[scanner], "date": f"2025-{1 + int(12 * rng.random()):02d}-{1 + int(28 * rng.random()):02d}"}
    scan = {"id": name, "participant": participant, "session": session, "facts": facts, "entities": {}}
    if fate > 0.98:
        failure = {"kind": "input", "reason": "Echo 2 has 40 voxel(s) that are NaN or infinite; all must be finite."}
        return Record(scan, "", "", {}, failure)
    values = {
        "pdff": pdff,
        "r2star": 45 + 10 * rng.normal(),
        "sd": 0.8 * float(np.exp(0.2 * rng.normal())),
        "snr": 30 + 5 * rng.normal(),
        "residual": 2 + 0.3 * rng.normal() + (12 if 0.03 <= fate < 0.035 else 0),
        "swap": 0.001 * float(np.exp(rng.normal())),
    }
    card = {
        "region": "liver",
        "values": values,
        "low": interval.low,
        "high": interval.high,
        "chances": list(TANG_2015.chances(interval)),
        "protocol": PROTOCOLS[scanner],
        "method": "refined",
        "findings": findings,
        "severity": findings[0]["severity"] if findings else "",
    }
    return Record(scan, "", "", {}, card=card)


def write_pictures(out: Path, made: list[Record], seed: int = 0) -> None:
    """A picture for each scan that did not fail."""
    rng = np.random.default_rng(seed)
    for record in made:
        if record.failure:
            continue
        folder = scan_folder(out, record.id)
        folder.mkdir(parents=True)
        coarse = Image.fromarray(rng.integers(0, 255, (12, 24, 3), dtype=np.uint8))
        stream = io.BytesIO()
        coarse.resize((2 * HEIGHT, HEIGHT), Image.Resampling.BILINEAR).save(stream, "JPEG", quality=80)
        (folder / PICTURE).write_bytes(stream.getvalue())
