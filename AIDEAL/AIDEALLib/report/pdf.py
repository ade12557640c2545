"""`report.pdf`: one page for the referring doctor."""

from __future__ import annotations

import datetime
import io
import struct
from pathlib import Path
from typing import Any

from ..choices import Paper as Paper
from ..errors import InputError
from ..stopwatch import timed
from . import sentences
from .content import ReportContent
from .page import number
from .pictures import slices_png
from .places import middle_slice

MARGIN_MM, TEXT_PT, SMALL_PT = 15.0, 10.0, 8.0
MOST_ROWS = 12
LIMITS = (
    "Limits: the fat fraction is that of protons that give signal, not of weight. It is unreliable where the field is steep "
    "(dome of the liver, gas, metal), with high iron, motion, or where water and fat may be swapped. The method has not been "
    "cleared as a medical device."
)
_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
_COLUMNS = ("Region", "ml", "PDFF %", "95 % interval", "Mean", "SD", "Unsure %", "R2* 1/s", "Grade")
_WIDTHS = (22, 8, 10, 16, 9, 6, 11, 10, 8)


@timed("report PDF")
def save_pdf(path: Path, content: ReportContent, paper: Paper = Paper.A4) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        File to write.
    content : ReportContent
        What is reported.
    paper : Paper
        Size of the page.

    Raises
    ------
    InputError
        fpdf2 is not installed.
    """
    path.write_bytes(pdf_bytes(content, paper))


def pdf_bytes(content: ReportContent, paper: Paper = Paper.A4) -> bytes:
    """The page as a file; the same content gives the same bytes.

    Parameters
    ----------
    content : ReportContent
        What is reported.
    paper : Paper
        Size of the page.

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        fpdf2 is not installed.
    """
    pdf = _document(content, paper)
    provenance, main = content.maps.provenance, content.main
    pdf.set_font("text", "B", 15)
    pdf.multi_cell(0, 7, sentences.headline(content), align="L", new_x="LMARGIN", new_y="NEXT")
    _paragraph(pdf, sentences.explanation(content))
    if main and (grade := sentences.grade(main, content.cutoffs)):
        _paragraph(pdf, grade)
    _picture(pdf, content)
    _table(pdf, content)
    _paragraph(pdf, sentences.quality_sentence(content), "B")
    if main:
        listed = "; ".join(change.sentence() for change in sentences.changes(main, content.maps))
        _paragraph(pdf, f"What would change the number, in percentage points: {listed}.", size=SMALL_PT)
    _paragraph(pdf, LIMITS, size=SMALL_PT)
    _paragraph(pdf, f"{provenance.source or 'Scan'}: {sentences.protocol(content.maps)}.", size=SMALL_PT)
    pdf.set_y(-MARGIN_MM - 1)
    pdf.set_font("text", "B", SMALL_PT + 1)
    pdf.cell(0, 5, provenance.research_use, align="C")
    return bytes(pdf.output())


def _document(content: ReportContent, paper: Paper) -> Any:
    try:
        from fpdf import FPDF
    except ImportError as error:
        raise InputError(f"The PDF is written with fpdf2, which is not installed ({error}). pip install fpdf2") from error
    from matplotlib import get_data_path

    fonts = Path(get_data_path(), "fonts", "ttf")
    pdf = FPDF(format=paper.value, unit="mm")
    pdf.set_margin(MARGIN_MM)
    pdf.set_auto_page_break(False)
    pdf.add_font("text", "", fonts / "DejaVuSans.ttf")
    pdf.add_font("text", "B", fonts / "DejaVuSans-Bold.ttf")
    pdf.set_title("Liver fat fraction, research use only")
    pdf.set_creator(f"AIDEAL {content.maps.provenance.version}")
    pdf.set_creation_date(_EPOCH)
    pdf.set_lang("en")
    pdf.add_page()
    return pdf


def _paragraph(pdf: Any, text: str, style: str = "", size: float = TEXT_PT) -> None:
    pdf.set_font("text", style, size)
    pdf.multi_cell(0, 0.45 * size, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(0.15 * size)


def _picture(pdf: Any, content: ReportContent) -> None:
    """Middle slice of the main region, or of the body, as large as the page has room for."""
    region = content.main or next(iter(content.shown), None)
    index = middle_slice(region.mask if region else content.maps.mask) if content.maps.mask.any() else 0
    png = slices_png(content, [index], region, dpi=150)
    top = pdf.get_y()
    lines = 6 + min(len(content.regions), MOST_ROWS)
    height = max(pdf.h - top - MARGIN_MM - 6.0 - 5.5 * lines - 35.0, 50.0)
    pixels_wide, pixels_high = struct.unpack(">II", png[16:24])
    width = min(pdf.epw, height * pixels_wide / pixels_high)
    pdf.image(io.BytesIO(png), x=MARGIN_MM + (pdf.epw - width) / 2, y=top, w=width)
    pdf.set_y(top + width * pixels_high / pixels_wide + 3.0)


def _table(pdf: Any, content: ReportContent) -> None:
    pdf.set_font("text", "", SMALL_PT)
    main = content.main
    rows = sorted(content.regions, key=lambda region: main is None or region.name != main.name)[:MOST_ROWS]
    with pdf.table(
        col_widths=_WIDTHS,
        text_align=("LEFT", *["RIGHT"] * (len(_COLUMNS) - 1)),
        line_height=4.6,
        borders_layout="HORIZONTAL_LINES",
    ) as table:
        table.row(_COLUMNS)
        for region in rows:
            row = region.statistics
            low, high = row.reported_low, row.reported_high
            if row.withheld:
                table.row((row.name, number(row.volume_ml, 0), "-", row.without_number, *["-"] * (len(_COLUMNS) - 4)))
                continue
            table.row(
                (
                    row.name,
                    number(row.volume_ml, 0),
                    number(row.reported),
                    f"{number(low)} to {number(high)}",
                    number(row.pdff_mean),
                    number(row.pdff_sd),
                    number(row.low_confidence_percent),
                    number(row.r2star_mean, 0),
                    row.steatosis_grade or "-",
                )
            )
    if len(content.regions) > len(rows):
        _paragraph(pdf, f"{len(content.regions) - len(rows)} more region(s) are in the full report.", size=SMALL_PT)
    pdf.ln(2)
