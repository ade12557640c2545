"""The page for the referring doctor."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from AIDEALLib.errors import InputError
from AIDEALLib.report.content import ReportContent
from AIDEALLib.report.pdf import Paper, pdf_bytes, save_pdf
from AIDEALLib.report.sentences import headline


@pytest.mark.parametrize(("paper", "size"), [(Paper.A4, (595, 842)), (Paper.LETTER, (612, 792))])
def test_one_page_of_the_size(report_content: ReportContent, paper: Paper, size: tuple[int, int]) -> None:
    data = pdf_bytes(report_content, paper)
    assert data.startswith(b"%PDF-") and len(re.findall(rb"/Type /Page\b", data)) == 1
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert box and tuple(round(float(v)) for v in box.groups()) == size


def test_the_same_content_gives_the_same_bytes(report_content: ReportContent) -> None:
    assert pdf_bytes(report_content) == pdf_bytes(report_content)


@pytest.mark.parametrize("copies", [1, 5])
def test_number_comes_first_and_nothing_is_cut_off(report_content: ReportContent, copies: int, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (.ci/apt-packages.txt names its package)")
    many = replace(report_content, regions=report_content.regions * copies)
    save_pdf(tmp_path / "r.pdf", many)
    done = subprocess.run(["pdftotext", "-layout", str(tmp_path / "r.pdf"), "-"], capture_output=True, text=True, check=True)
    words = " ".join(done.stdout.split())
    assert words.startswith(headline(report_content))
    order = [
        words.index(w) for w in ("Steatosis grade", "Right lobe", "Quality: use with caution", "Limits:", "Research use only")
    ]
    assert order == sorted(order)
    assert words.count("Research use only") == 1
    assert ("3 more region(s) are in the full report" in words) == (copies == 5)


def test_missing_library_is_named(report_content: ReportContent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(InputError, match="pip install fpdf2"):
        pdf_bytes(report_content)
