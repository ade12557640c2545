"""Damaged files of every format and hostile names; parts of `chaos.py`."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from chaos_ends import scan_file


def files(cases: list[int]) -> Iterator[dict[str, Any]]:
    """Damaged scans, segmentations and results of every format; `dicom_fuzz.py` damages DICOM more thoroughly."""
    import dicom_fuzz
    from file_fuzz import damaged, originals, outcome, results, segmentations

    kinds = {**originals(), **segmentations(), "result": results()}
    dicom = dicom_fuzz.originals()
    names = [*sorted(kinds), "DICOM"]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            kind = names[case % len(names)]
            scan = dicom_fuzz.damaged(dicom, case) if kind == "DICOM" else damaged(kinds[kind], case)
            began = time.monotonic()
            try:
                found = outcome(scan, Path(folder) / "scan") if scan else "refused"
            except Exception as error:
                found = f"{type(error).__name__}: {error}"[:300]
            yield {"case": case, "outcome": found, "kind": kind, "seconds": round(time.monotonic() - began, 2)}


def file_figures(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Number of formats, and the slowest case."""
    formats = Counter(row["kind"] for row in rows)
    return f"{len(formats)} formats, slowest {max(row['seconds'] for row in rows):.1f} s", True


def hostile_names(count: int) -> list[bytes]:
    """Names of files, folders and segments that mislead terminals, spreadsheets, browsers or libraries."""
    known = [
        *(b"=cmd|' C'!A0", b"@SUM(1)", b"+1", b"-rf", b"a\nb", b"\x1b[2J\x1b]0;x\x07", b"[/red]", b"[link=x]", b"<img src=x>"),
        *(
            b"$\\frac{",
            b"a\xff\xfeb",
            b"\xe2\x80\xaegnp",
            b"x" * 200,
            b" ",
            b"a;b",
            b"%s%n",
            b"{0}",
            b"'\"",
            b"CON",
            b".hidden",
        ),
        *(b"</script><img src=x>", b"\\\\host\\x", b"${7*7}{{7*7}}", b"\xef\xbc\x9dcmd", b"\t=1", b"a^b\\c=d", b"\xc2\x9b2J"),
    ]
    r = random.Random(1)
    single = [bytes([n]) for n in range(1, 256) if n != 0x2F]  # most of these names are no text, which is refused
    signs = [chr(n).encode() for n in (*range(1, 0x2F), *range(0x3A, 0x61), 0x7B, 0x7D, 0x85, 0x9B, 0xAD, 0x200F, 0x202E)]
    signs += [text.encode() for text in ("a", "ß", "肝", "\u0301", "\ufeff", "\U0001f600", "&lt;", "{{", "</b>", "\\n", "%0a")]
    made = (b"".join(r.choices(signs if n % 5 else single, k=r.randint(1, 20))) for n in range(count))
    return [*known, *made][:count]


def names(cases: list[int]) -> Iterator[dict[str, Any]]:
    """Hostile names of scan, folder and segment: what is written of them is data, on the screen and in every file."""
    raw_names = hostile_names(max(cases) + 1)
    with tempfile.TemporaryDirectory() as name:
        scan = scan_file(Path(name), 4, slices=1)
        for case in cases:
            place = Path(name) / str(case)
            place.mkdir()
            yield {"case": case, "outcome": _named(raw_names[case], place, scan), "name": repr(raw_names[case])}


def _named(raw: bytes, place: Path, scan: Path) -> str:
    """Outcome of a run, an export and a comparison with one name."""
    from typer.testing import CliRunner

    from AIDEALLib.cli.main import app
    from AIDEALLib.io.load import load_series
    from AIDEALLib.io.segmentation import Segmentation, save_segmentation

    text, named, segments, out = os.fsdecode(raw), scan, place / "seg.seg.nrrd", place / "out"
    try:
        (place / text).mkdir()
        named = place / text / os.fsdecode(raw[:40] + b".npz")
        named.write_bytes(scan.read_bytes())
    except (OSError, ValueError):
        named = scan
    labels = np.zeros((1, 48, 48), np.int32)
    labels[:, 20:28, 20:28] = 1
    save_segmentation(Segmentation(labels, {1: text}), load_series(scan).geometry, segments)
    run = ("run", "--method", "magnitude", "--anyway", "--keep-names", "--out", out, "--segmentation", segments, "--", named)
    export = ("export", out, "--dicom", place / "dicom")
    compare = ("compare", out, out, "--out", place / "compared", "--no-registration")
    for words in (run, export, compare):
        done = CliRunner().invoke(app, list(map(str, words)), env={"TERM": "dumb", "COLUMNS": "200"})
        if (
            done.exit_code not in (0, 1)
            or "The program failed" in done.output
            or not isinstance(done.exception, SystemExit | None)
        ):
            return f"{words[0]} broke: {done.exit_code} {done.exception!r}"
        if any((ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in done.output):
            return f"{words[0]}: control characters on the screen"
        if done.exit_code == 1 and words is run:
            return "refused"
        if done.exit_code == 1:
            return f"{words[0]} refused: {done.output[-200:]}"
    return _misled(raw, place) or "written"


def _misled(raw: bytes, place: Path) -> str:
    """What in the files would be taken for more than text, '' for nothing."""
    for path in (p for p in place.rglob("*") if p.is_file() and p.suffix in (".csv", ".html", ".json", ".dcm")):
        content = path.read_bytes()
        if path.suffix in (".csv", ".html", ".json") and any(c < 32 and c not in b"\n\r\t" for c in content):
            return f"control characters in {path.name}"
        if path.suffix == ".csv":
            rows = [line for line in content.decode("utf-8").splitlines() if not line.startswith("#")]
            if any(line.lstrip('" \t').startswith(tuple("=+-@\uff1d")) for line in rows[1:]):
                return f"formula in {path.name}"
        if path.suffix == ".html" and b"<img src=x>" in content:
            return f"markup in {path.name}"
        if path.suffix == ".dcm" and raw.startswith(b"\x1b") and b"\x1b[2J" in content:
            return f"control characters in {path.name}"
    return ""
