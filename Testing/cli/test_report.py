"""The page of a run holds its picture, numbers, findings and provenance, and needs no other file."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from AIDEALLib.advice import advise
from AIDEALLib.cli.report import save_report
from AIDEALLib.cli.results import measured
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.options import RunOptions
from AIDEALLib.quality.findings import Finding, QualityReport, Severity
from AIDEALLib.simulation.demo import demo_liver

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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("report")
    series, _ = demo_liver(matrix=(2, 64, 64))
    maps = estimate(replace(series, source="scan <of> a phantom & more"), RunOptions(method="magnitude", device="cpu"))
    findings = (
        Finding("swap-suspect", Severity.WARN, "Water & fat <may> be swapped.", advise("Look."), (0, 1, 4), 30, 250.0),
        Finding("bipolar-corrected", Severity.INFO, "Corrected.", advise("Nothing to do.")),
    )
    quality = QualityReport(findings, {"snr": 21.0, "pdff_sd_at_10": 3.25})
    (folder / "picture.png").write_bytes(PNG)
    save_report(folder / "report.html", maps, measured(maps, None).rows, quality, folder / "picture.png")
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_it_is_whole_and_needs_no_other_file(page: Page) -> None:
    assert page.open == []
    assert len(page.links) == 1
    kind, _, data = page.links[0].partition(",")
    assert kind == "data:image/png;base64" and base64.b64decode(data) == PNG


def test_it_says_what_the_run_found(page: Page) -> None:
    for said in (
        "scan <of> a phantom & more",
        "warn: swap-suspect",
        "slices 1-2, 5, 30 voxels, 2.5 cm²",
        "Water & fat <may> be swapped.",
        "info: bipolar-corrected",
        "With SNR 21",
        "3.2 points at 10 %",
        "body mask",
        "method magnitude",
        "Research use only",
        '"te_s"',
    ):
        assert said in page.words, said
    assert re.search(r"6 echoes at [\d., ]+ ms", page.words)


def test_nothing_found_is_said(tmp_path: Path) -> None:
    series, _ = demo_liver(matrix=(2, 64, 64))
    maps = estimate(series, RunOptions(method="magnitude", device="cpu"))
    (tmp_path / "p.png").write_bytes(PNG)
    save_report(tmp_path / "r.html", maps, [], QualityReport(()), tmp_path / "p.png")
    assert "nothing makes a number doubtful" in (tmp_path / "r.html").read_text(encoding="utf-8")
