"""Comparison of two visits in a process of its own, for the panel."""

from __future__ import annotations

from pathlib import Path

from .compare import compare
from .exchange import read_request, write_result

REPORT = "report"


def run(folder: Path) -> None:
    """Compare the visits in a folder, and put the result beside them."""
    from .report import save_comparison, sentences

    baseline, follow_up, order = read_request(folder)
    found = compare(baseline, follow_up, order.repeatability)
    write_result(folder, found, sentences(found))
    if order.report:
        (folder / REPORT).mkdir()
        save_comparison(found, folder / REPORT)
