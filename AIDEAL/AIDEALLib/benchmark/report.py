"""The benchmark on paper: CSV files, a Markdown report, two plots."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from math import nan
from pathlib import Path
from statistics import fmean

from ..validation.tables import Column, save_rows
from .cases import SLICES
from .plots import save_accuracy_and_time, save_bland_altman
from .run import Results
from .summary import MethodSummary, summaries

COLUMNS = (
    Column("Method", "title"),
    Column("Lobe bias, median", "median_bias", ".2f"),
    Column("worst", "worst_bias", ".2f"),
    Column("Mean absolute error", "absolute_error", ".2f"),
    Column("R2\\* bias, %", "r2star_bias_percent", ".1f"),
    Column("Swapped liver, %", "liver_swap_percent", ".2f"),
    Column("worst scan", "worst_liver_swap_percent", ".1f"),
    Column("body, %", "body_swap_percent", ".2f"),
    Column("In 68 %", "coverage_68_percent", ".0f"),
    Column("In 95 %", "coverage_95_percent", ".0f"),
    Column("s a slice", "seconds_per_slice", ".3f"),
    Column("times refined", "times_refined", ".1f"),
    Column("MiB", "peak_mib", ".0f"),
)


def write_report(results: Results, folder: Path) -> str:
    """Write `methods.csv`, `protocols.csv`, `real.csv`, `report.md`, `accuracy_time.png` and `bland_altman.png`.

    Returns
    -------
    The Markdown of the report.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = summaries(results)
    save_rows(rows, folder / "methods.csv")
    if results.scores:
        save_rows(results.scores, folder / "protocols.csv")
        save_accuracy_and_time(rows, folder / "accuracy_time.png")
        save_bland_altman(results, folder / "bland_altman.png")
    if results.real:
        save_rows(results.real, folder / "real.csv")
    text = "\n\n".join([*_head(results), markdown([c.title for c in COLUMNS], [[c.text(r) for c in COLUMNS] for r in rows])])
    text += "\n\n" + "\n\n".join([_per_protocol(results), _settings(rows), *_real(results)]) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, ["---"] * len(titles), *lines))


def _head(results: Results) -> list[str]:
    plan = results.plan
    return [
        "# Beside other methods",
        f"{len(plan.protocols)} protocols, {plan.patients} simulated patients each, {SLICES} slices of {plan.matrix}x"
        f"{plan.matrix}, seed {plan.seed}; {plan.threads} threads for every method, on {platform.machine()}. PDFF in points. "
        "Swapped: field more than half a fat shift off. Times are medians of interleaved runs after a warm-up (slow methods: "
        "one run); memory is that of the whole process.",
    ]


def _per_protocol(results: Results) -> str:
    """Swapped liver (mean of the patients) and largest bias of a lobe of each method under each protocol."""
    methods = [name for name, said in results.introductions.items() if not said.missing]
    lines = []
    for protocol in results.plan.protocols:
        cells = []
        for name in methods:
            scores = [s for s in results.scores if (s.protocol, s.method) == (protocol.name, name)]
            swapped = fmean(s.liver_swap_percent for s in scores)
            cells.append(f"{swapped:.1f} / {max((b for s in scores for b in s.lobe_biases), default=nan):.2f}")
        lines.append([protocol.name, *cells])
    return "Swapped liver in percent / largest bias of a lobe in points:\n\n" + markdown(["Protocol", *methods], lines)


def _settings(rows: Sequence[MethodSummary]) -> str:
    return "Settings: " + "; ".join(f"{r.method} {r.version}: {r.settings}".replace("  ", " ") for r in rows) + "."


def _real(results: Results) -> list[str]:
    """Residual and time on real scans, where there were any."""
    if not results.real:
        return []
    scans = list(dict.fromkeys(r.scan for r in results.real))
    found = {(r.scan, r.method): r for r in results.real}
    methods = list(dict.fromkeys(r.method for r in results.real))
    lines = [
        [name, *(f"{found[s, name].residual_percent:.2f} / {found[s, name].seconds_per_slice:.3f}" for s in scans)]
        for name in methods
    ]
    told = "Real scans (one slice; no truth): median residual in percent at the method's field and R2\\* / s a slice:"
    return [told, markdown(["Method", *scans], lines)]
