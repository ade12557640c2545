"""Tables and figures of the comparison as Markdown, CSV and PNG; rivals that beat `refined` are bold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from ...validation.tables import format_cell, save_rows
from ..report import markdown
from .accuracy import PartError
from .figures import save_figures
from .scans import LOBES
from .study import PHANTOM, ROOM, Study
from .systems import COLOURS, FIT, GRAPH_CUTS, ONE_SHOT, OURS
from .uncertainty import Regression, UncertaintyScore, regression

Cell = tuple[str, float]
"""Text, and the value that is compared: smaller is better; NaN is never bold."""


def write_study(study: Study, folder: Path, command: str) -> str:
    """Write `report.md`, the CSV files and the figures.

    Parameters
    ----------
    study : Study
        Results.
    folder : Path
        Receives the files.
    command : str
        Command that repeats the report.

    Returns
    -------
    str
        The report in Markdown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    regressions = regressions_of(study)
    for name, rows in (
        ("lobes", study.lobes),
        ("vials", study.vials),
        ("uncertainty", study.scores),
        ("regression", regressions),
        ("real", study.agreement),
    ):
        if rows:
            save_rows(rows, folder / f"{name}.csv")
    figures = save_figures(study, folder)
    plan = study.plan
    blocks = [
        "# Systems that others proposed",
        f"`{command}`: seed {plan.seed}, {plan.patients} patients in distribution, {plan.shifted_patients} in each other "
        f"domain, {plan.matrix}x{plan.matrix}. Bold: better than `{OURS}`.",
        "## Lobes",
        "Error of the median PDFF of a lobe, right / left, mean ± SD over the patients, points.",
        _lobes(study),
        "## Vials",
        *(block for name in study.plan.noise for block in _vials(study, f"{PHANTOM}, {name}")),
        *_vials(study, ROOM),
        "## Whose uncertainty finds the errors",
        *_uncertainty(study),
        "Regression of the stated variance of a region (lobe of a slice) on |error of its median| and interquartile range:",
        _regression_table(regressions),
        *_agreement(study),
        *(f"![{name}]({name})" for name in figures),
    ]
    text = "\n\n".join(blocks) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text


def regressions_of(study: Study) -> list[Regression]:
    """One regression a system that states an SD."""
    names = list(dict.fromkeys(p.system for p in study.regions))
    return [regression([p for p in study.regions if p.system == name]) for name in names]


def bold_where_better(lines: Sequence[tuple[str, Sequence[Cell]]]) -> list[list[str]]:
    """Rows of a table, cells in bold that are better than those of the row of `refined`."""
    ours = next((cells for name, cells in lines if name == OURS), ())
    reference = [value for _, value in ours] or [math.nan] * len(lines[0][1])

    def cell(name: str, text: str, value: float, best: float) -> str:
        return f"**{text}**" if value < best and not name.startswith((OURS, ONE_SHOT)) else text

    return [
        [name, *(cell(name, text, value, best) for (text, value), best in zip(cells, reference, strict=True))]
        for name, cells in lines
    ]


def _lobes(study: Study) -> str:
    conditions = list(dict.fromkeys(row.condition for row in study.lobes))
    lines = []
    for system in (s for s in study.systems if s.own_pdff):
        cells = []
        for condition in conditions:
            rows = [r for r in study.lobes if (r.system, r.condition) == (system.name, condition)]
            by_part = {row.part: row for row in rows}
            cells.append(_lobe_cell([by_part[lobe] for lobe in LOBES]))
        lines.append((system.title, cells))
    return markdown(["System", *conditions], bold_where_better(lines))


def _lobe_cell(rows: Sequence[PartError]) -> Cell:
    if rows[0].reason:
        return "-", math.nan
    text = " / ".join(f"{row.bias:+.2f} ± {format_cell(row.sd, '.2f')}" for row in rows)
    return text, round(sum(abs(row.bias) for row in rows) / len(rows), 2)


def _vials(study: Study, condition: str) -> list[str]:
    rows = [row for row in study.vials if row.condition == condition]
    parts = list(dict.fromkeys(row.part for row in rows))
    titles = [f"{next(r.truth for r in rows if r.part == part and not r.reason):.1f} %" for part in parts]
    names = {system.name: system.title for system in study.systems}
    lines = []
    for name in dict.fromkeys(row.system for row in rows):
        biases = [row.bias for part in parts for row in rows if (row.system, row.part) == (name, part)]
        biases.append(max(biases, key=abs))
        lines.append((names.get(name, name), [(format_cell(bias, "+.2f"), round(abs(bias), 2)) for bias in biases]))
    table = markdown(["System", *titles, "largest"], bold_where_better(lines))
    return [f"{_sentence(condition)}: error of the median of each vial, points.", table]


def _seconds(study: Study, name: str) -> float:
    """Processor time per slice, that of graph cuts included where their maps are used."""
    own = study.estimates.median_seconds(name)
    return max(own, study.estimates.median_seconds(GRAPH_CUTS)) if name in (FIT, COLOURS) else own


def _sentence(text: str) -> str:
    """Begin with a capital; abbreviations keep theirs."""
    return text[:1].upper() + text[1:]


_SCORES: tuple[tuple[str, str, str, Callable[[float], float]], ...] = (
    ("Mean error", "mean_error", ".2f", lambda x: x),
    ("Errors > 5 points, %", "large_percent", ".1f", lambda x: x),
    ("Error of the surer half", "half_left", ".2f", lambda x: x),
    ("Area above the oracle", "area", ".2f", lambda x: x),
    ("of that of a random order", "relative_area", ".2f", lambda x: x),
    ("ROC area", "roc", ".3f", lambda x: -x),
    ("Within 1 SD, %", "coverage_68_percent", ".0f", lambda x: abs(x - 68.3)),
    ("Within 1.96 SD, %", "coverage_95_percent", ".0f", lambda x: abs(x - 95.0)),
)


def _uncertainty(study: Study) -> list[str]:
    blocks = []
    titles = {system.name: system.title for system in study.systems}
    domains = list(dict.fromkeys(row.domain for row in study.scores))
    for domain in [*domains[-1:], *domains[:-1]]:
        lines = []
        for row in (r for r in study.scores if r.domain == domain):
            seconds = _seconds(study, row.system)
            lines.append((titles[row.system], [*_score_cells(row), (format_cell(seconds, ".3f"), math.nan)]))
        blocks += [
            f"{_sentence(domain)}:",
            markdown(["System", *(title for title, *_ in _SCORES), "CPU s per slice"], bold_where_better(lines)),
        ]
    return blocks


def _score_cells(row: UncertaintyScore) -> list[Cell]:
    cells = []
    for _, field, spec, badness in _SCORES:
        value = getattr(row, field)
        rounded = float(format(value, spec)) if math.isfinite(value) else math.nan
        cells.append((format_cell(value, spec), badness(rounded)))
    return cells


def _regression_table(rows: Sequence[Regression]) -> str:
    lines = [
        (
            row.system,
            [
                (str(row.regions), math.nan),
                (format_cell(row.r_squared, ".2f"), -round(row.r_squared, 2)),
                (format_cell(row.p_value, ".1g"), math.nan),
                (format_cell(row.rank_correlation, ".2f"), -round(row.rank_correlation, 2)),
            ],
        )
        for row in rows
    ]
    titles = ["System", "Regions", "R²", "p", "Rank correlation of variance and error"]
    return markdown(titles, bold_where_better(lines)) if lines else "No system states an SD."


def _agreement(study: Study) -> list[str]:
    if not study.agreement:
        return []
    scans = list(dict.fromkeys(row.scan for row in study.agreement))
    titles = {system.name: system for system in study.systems}
    lines = []
    for name in dict.fromkeys(row.system for row in study.agreement):
        cells = []
        for row in (r for r in study.agreement if r.system == name):
            found = f"{row.median_difference:+.2f}, {row.within_5_percent:.0f} %"
            cells.append(found if not row.reason else "-" if titles[name].reason else row.reason)
        lines.append([titles[name].title, *cells])
    caption = "Real scans against graph cuts: median difference (points), share of the foreground within 5 points."
    return ["## Real scans", caption, markdown(["System", *scans], lines)]
