"""The page of a run holds its pictures, numbers, findings and provenance, and needs no other file."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from paths import PACKAGE

from AIDEALLib.io.output.dicom.content import Region
from AIDEALLib.quality.findings import QualityReport
from AIDEALLib.report.content import ReportContent
from AIDEALLib.report.page import save_page
from AIDEALLib.statistics import Measuring, region_statistics

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def page_of(content: ReportContent, folder: Path) -> Page:
    (folder / "picture.png").write_bytes(PNG)
    save_page(folder / "report.html", content, folder / "picture.png")
    return Page((folder / "report.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page(report_content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(report_content, tmp_path_factory.mktemp("report"))


def test_it_is_whole_and_needs_no_other_file(page: Page) -> None:
    assert page.open == []
    assert len(page.links) == 3 + 2 + 1, "three regions, histograms and a fit, the overview"
    for link in page.links:
        kind, _, data = link.partition(",")
        assert kind == "data:image/png;base64" and base64.b64decode(data).startswith(b"\x89PNG")
    assert base64.b64decode(page.links[-1].partition(",")[2]) == PNG


def test_it_says_what_the_run_found(page: Page) -> None:
    for said in (
        "scan <of> a phantom & more",
        "warn: swap-suspect",
        "slices 1-2, 5, 30 voxels, 2.5 cm²",
        "Water & fat <may> be swapped.",
        "info: bipolar-corrected",
        "With SNR 21",
        "3.2 points at 10 %",
        "Right lobe: slice",
        "Right lobe: 3 % left out.",
        "Fit of a typical voxel of whole liver",
        "voxels of low confidence left out",
        "method refined",
        '"te_s"',
    ):
        assert said in page.words, said
    assert re.search(r"6 echoes at [\d., ]+ ms", page.words)
    assert re.search(r"Fat in the liver: [\d.]+ % \(95 % interval [\d.]+ to [\d.]+ %\)", page.words)
    assert page.words.count("Research use only, not for diagnosis.") == 2, "once for the reader, once in the provenance"


def test_without_regions_no_liver_is_reported(report_content: ReportContent, tmp_path: Path) -> None:
    maps = report_content.maps
    row = region_statistics(maps, maps.mask, "body mask", Measuring(1.0, cutoffs=None))
    body = replace(report_content, regions=(Region(maps.mask, row, manual=False),), quality=QualityReport(()))
    words = page_of(body, tmp_path).words
    assert "No liver was outlined, so there is no number for the liver." in words
    assert "nothing makes a number doubtful" in words
    assert "What would change" not in words


def test_pages_come_from_templates_alone() -> None:
    tag = re.compile(r"</?(html|head|body|p|div|table|tr|td|h[1-6]|ul|li|figure|img)[ >]")
    found = [path.name for path in PACKAGE.rglob("*.py") if "mrml" not in path.parts and tag.search(path.read_text("utf-8"))]
    assert found == []
