"""Report of the benchmark: CSV files, Markdown and two plots."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from pathlib import Path
from statistics import fmean

from ..validation.tables import Column, save_rows
from .machine import Machine
from .paired import PairedRun, save_if_paired
from .plots import save_accuracy_and_time, save_bland_altman
from .run import Results
from .summary import GRAPH_CUTS, MethodSummary, graph_cut_reference, summaries

COLUMNS = (
    Column("Method", "title"),
    Column("Lobe bias, median", "median_bias", ".2f"),
    Column("largest", "worst_bias", ".2f"),
    Column("Mean absolute error", "absolute_error", ".2f"),
    Column("R2\\* bias, %", "r2star_bias_percent", ".1f"),
    Column("Swapped liver, %", "liver_swap_percent", ".2f"),
    Column("worst scan", "worst_liver_swap_percent", ".1f"),
    Column("body, %", "body_swap_percent", ".2f"),
    Column("In 68 % interval", "coverage_68_percent", ".0f"),
    Column("In 95 % interval", "coverage_95_percent", ".0f"),
    Column("s per slice", "seconds_per_slice", ".3f"),
    Column("CPU s per slice", "cpu_seconds_per_slice", ".3f"),
    Column("ratio to refined", "times_refined", ".1f"),
    Column("ratio to graph cuts", "times_graph_cuts", ".2f"),
    Column("MiB", "peak_mib", ".0f"),
)
TIME_COLUMNS = tuple(c for c in COLUMNS if c.field in ("title", "peak_mib") or "seconds" in c.field or "times" in c.field)


def write_report(results: Results, folder: Path) -> str:
    """Write `methods.csv`, `protocols.csv`, `real.csv`, `paired.json`, `report.md`, `accuracy_time.png` and `bland_altman.png`.

    Parameters
    ----------
    results : Results
        Results of the benchmark.
    folder : Path
        Folder of the report; created if missing.

    Returns
    -------
    str
        The report in Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = summaries(results)
    save_rows(rows, folder / "methods.csv")
    save_if_paired(results, rows, folder / "paired.json")
    if results.scores:
        save_rows(results.scores, folder / "protocols.csv")
    if results.complete:
        save_accuracy_and_time(rows, folder / "accuracy_time.png")
        save_bland_altman(results, folder / "bland_altman.png")
    if results.real:
        save_rows(results.real, folder / "real.csv")
    table = markdown([c.title for c in COLUMNS], [[c.text(r) for c in COLUMNS] for r in rows])
    blocks = [*_head(results), table, *_reference(results), *_per_protocol(results), *_settings(rows), *_real(results)]
    text = "\n\n".join(blocks) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text


def markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (titles, ["---"] * len(titles), *lines))


def _head(results: Results) -> list[str]:
    return [
        "# Benchmark",
        f"{results.plan.sentence()}. {Machine.here().sentence()} PDFF in points. "
        "Swapped: field more than half a fat shift off. Times are medians of interleaved runs after a warm-up (slow methods: "
        "one run); memory is that of the whole process.",
    ]


def _reference(results: Results) -> list[str]:
    """Which graph cuts the ratios of time refer to, and the last paired run where the peer's did not run."""
    reference = graph_cut_reference(results)
    peer = results.descriptions.get(GRAPH_CUTS[0])
    failed = peer is not None and bool(peer.failure)
    blocks = []
    if reference:
        reason = f" ({GRAPH_CUTS[0]} did not run: {peer.failure})" if peer and failed else ""
        blocks.append(f"Ratio to graph cuts: time relative to {reference}{reason}.")
    if failed:
        last = PairedRun.load()
        table = markdown([c.title for c in TIME_COLUMNS], [[c.text(r) for c in TIME_COLUMNS] for r in last.rows])
        blocks.append(f"The last run in which {GRAPH_CUTS[0]} took part ({last.scans}; {last.machine.rstrip('.')}):\n\n{table}")
    return blocks


def _per_protocol(results: Results) -> list[str]:
    """Swapped liver (mean of the patients) and largest bias of a lobe of each method under each protocol."""
    if not results.complete:
        return []
    lines = []
    for protocol in results.plan.protocols:
        cells = []
        for name in results.complete:
            scores = [s for s in results.scores if (s.protocol, s.method) == (protocol.name, name)]
            swapped = fmean(s.liver_swap_percent for s in scores)
            cells.append(f"{swapped:.1f} / {max((b for s in scores for b in s.lobe_biases), default=nan):.2f}")
        lines.append([protocol.name, *cells])
    table = markdown(["Protocol", *results.complete], lines)
    return [f"Swapped liver in percent / largest bias of a lobe in points:\n\n{table}"]


def _settings(rows: Sequence[MethodSummary]) -> list[str]:
    settings = [f"{r.method} {r.version}: {r.settings}" for r in rows if r.settings]
    return ["Settings: " + "; ".join(settings) + "."] if settings else []


def _real(results: Results) -> list[str]:
    """Residual and time on real scans."""
    if not results.real:
        return []
    scans = list(dict.fromkeys(r.scan for r in results.real))
    cells = {(r.scan, r.method): f"{r.residual_percent:.2f} / {r.seconds_per_slice:.3f}" for r in results.real}
    methods = list(dict.fromkeys(r.method for r in results.real))
    lines = [[name, *(cells.get((scan, name), "-") for scan in scans)] for name in methods]
    caption = "Real scans (one slice; no truth): median residual in percent at the method's field and R2\\* / s per slice:"
    return [caption, markdown(["Method", *scans], lines)]
