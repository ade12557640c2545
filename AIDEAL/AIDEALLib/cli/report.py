"""`report.html`: pictures, statistics, findings and provenance of a run on one page that needs no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from ..parameter_maps import ParameterMaps
from ..quality.findings import Finding, QualityReport
from ..statistics import SegmentStatistics
from .options import flag_words
from .results import slice_ranges, statistics_cells

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>AIDEAL: $title</title>
<style>
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1100px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin-bottom: 0; }
h2 { font-size: 1.15em; margin-top: 1.8em; border-bottom: 1px solid #ccc; }
img { max-width: 100%; background: #000; }
table { border-collapse: collapse; }
th, td { padding: .25em .8em; text-align: right; border-bottom: 1px solid #e3e3e3; }
th:first-child, td:first-child { text-align: left; }
.finding { border-left: 6px solid; padding: .3em .9em; margin: .6em 0; background: #f7f7f7; }
.stop { border-color: #b3261e; } .warn { border-color: #d98e04; } .info { border-color: #3b6ea5; }
.where, .note { color: #555; }
pre { background: #f7f7f7; padding: .8em; overflow-x: auto; font-size: 12px; }
</style>
</head>
<body>
<h1>$title</h1>
<p class="note">$protocol</p>
<p><strong>$research_use</strong></p>
<h2>Findings</h2>
$findings
<h2>PDFF in percent</h2>
$statistics
<p class="note">$expected</p>
<h2>Maps</h2>
<p><img alt="Water, PDFF, its SD, R2* and the other maps of the middle slices" src="data:image/png;base64,$picture"></p>
<h2>Decisions taken</h2>
<ul>
$notes
</ul>
<h2>Provenance</h2>
<details><summary>Version, method, networks, protocol, options</summary>
<pre>$provenance</pre>
</details>
</body>
</html>
""")
_COLUMNS = (
    "Region",
    "ml",
    "Median",
    "Mean",
    "SD",
    "Stated SD",
    "Weighted mean",
    "± SE",
    "Unsure %",
    "R2* 1/s",
    "Grade (research use)",
)


def save_report(
    path: Path, maps: ParameterMaps, rows: Sequence[SegmentStatistics], quality: QualityReport, picture: Path
) -> None:
    """Write the page.

    Parameters
    ----------
    maps, rows, quality : what the run found; `picture` : PNG to be put into the page.
    """
    provenance = maps.provenance
    te = ", ".join(f"{1000 * t:.3g}" for t in provenance.te_s)
    slices, height, width = maps.mask.shape
    page = _PAGE.substitute(
        title=escape(f"{provenance.source or 'Scan'}: fat fraction with its uncertainty"),
        protocol=escape(
            f"{provenance.field_strength_t:g} T, {len(provenance.te_s)} echoes at {te} ms, {width}x{height}x{slices} voxels, "
            f"method {provenance.method}, AIDEAL {provenance.version}"
        ),
        research_use=escape(provenance.research_use),
        findings="\n".join(_finding(f) for f in quality.findings) or "<p>None: nothing makes a number doubtful.</p>",
        statistics=_table(_COLUMNS, (_row(row) for row in rows)),
        expected=escape(_expected(quality)),
        picture=base64.b64encode(picture.read_bytes()).decode("ascii"),
        notes="\n".join(f"<li>{escape(note)}</li>" for note in (f"Phase {provenance.phase_sign}.", *provenance.notes)),
        provenance=escape(json.dumps(provenance.as_dict(), indent=2, ensure_ascii=False)),
    )
    path.write_text(page, encoding="utf-8")


def _finding(finding: Finding) -> str:
    places = []
    if finding.slices:
        places.append(f"slices {slice_ranges(finding.slices)}")
    if finding.voxels:
        places.append(f"{finding.voxels} voxels")
    if finding.area_mm2:
        places.append(f"{finding.area_mm2 / 100:.1f} cm²")
    where = f' <span class="where">({escape(", ".join(places))})</span>' if places else ""
    kind = finding.severity.value
    return (
        f'<div class="finding {kind}"><strong>{kind}: {escape(finding.code)}</strong>{where}<br>'
        f"{escape(finding.sentence)}<br><em>{escape(finding.advice.worded(flag_words))}</em></div>"
    )


def _row(row: SegmentStatistics) -> tuple[str, ...]:
    return (*statistics_cells(row), row.steatosis_grade or "-")


def _expected(quality: QualityReport) -> str:
    expected = quality.expected
    told = [(float(name.rsplit("_", 1)[1]), sd) for name, sd in expected.items() if name.startswith("pdff_sd_at_")]
    if not told:
        return ""
    listed = ", ".join(f"{sd:.1f} points at {at:g} %" for at, sd in told)
    return f"With SNR {expected['snr']:.0f} and these echo times no voxelwise estimate can have a smaller SD than {listed}."


def _table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}\n</table>"
