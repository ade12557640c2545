"""The viewer in a real browser: it loads alone, a click reads the map, keys and overlay work."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import chromium
import matplotlib.image
import numpy as np
import pytest
from chromium import Browser

from AIDEALLib.report import viewer
from AIDEALLib.report.content import ReportContent
from AIDEALLib.report.viewer import save_viewer, viewer_page


@pytest.fixture(scope="module")
def browser(report_content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if chromium.executable() is None:
        pytest.skip("Chromium is not installed (.ci/apt-packages.txt names its package)")
    page = tmp_path_factory.mktemp("viewer") / "viewer.html"
    save_viewer(page, report_content)
    with chromium.running() as started:
        started.open(page)
        started.wait("window.viewer && window.viewer.state.ready")
        yield started


def text_of(browser: Browser, name: str) -> str:
    return str(browser.evaluate(f"document.getElementById('{name}').textContent"))


def picture(browser: Browser) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(matplotlib.image.imread(io.BytesIO(browser.screenshot())))


def test_it_loads_without_errors_or_requests(browser: Browser) -> None:
    assert browser.complaints() == []
    (only,) = browser.requests()
    assert only.startswith("file:///")
    shown = picture(browser)
    assert np.unique(shown.reshape(-1, shown.shape[-1]), axis=0).shape[0] > 50, "a map in colours"


def test_a_click_reads_the_value_of_the_map(browser: Browser, report_content: ReportContent) -> None:
    maps = report_content.maps
    box = browser.evaluate(
        "(() => { const b = document.getElementById('image').getBoundingClientRect();"
        " return [b.left, b.top, b.width, b.height]; })()"
    )
    for across, down in ((0.25, 0.4), (0.3, 0.5), (0.6, 0.35)):
        browser.click(box[0] + across * box[2], box[1] + down * box[3])
        said = re.match(r"slice (\d+), row (\d+), column (\d+): PDFF (-?[\d.]+) ± ([\d.]+) %", text_of(browser, "pinned"))
        assert said, text_of(browser, "pinned")
        voxel = (int(said[1]) - 1, int(said[2]), int(said[3]))
        assert maps.mask[voxel]
        assert float(said[4]) == pytest.approx(maps.pdff[voxel], abs=0.0101)
        assert float(said[5]) == pytest.approx(maps.pdff_total_sd[voxel], abs=0.0101)


def test_echoes_and_curve_of_a_voxel(browser: Browser, report_content: ReportContent) -> None:
    browser.evaluate("document.getElementById('image').focus()")
    browser.press("Enter")
    s, r, c = browser.evaluate("viewer.state.pinned")
    meta = browser.evaluate("meta.offset")
    measured = np.abs(report_content.series.echoes[:, s, r + meta[0], c + meta[1]])
    shown = [browser.evaluate(f"echo({n}, {s}, {r}, {c})") for n in range(6)]
    assert shown == pytest.approx(measured.tolist(), rel=0.02, abs=0.01 * float(measured.max()))
    curve = [browser.evaluate(f"fitted({t}, {s}, {r}, {c})") for t in report_content.maps.provenance.te_s]
    assert np.linalg.norm(np.subtract(curve, measured)) < 0.2 * np.linalg.norm(measured)
    ink = browser.evaluate(
        "(() => { const p = document.getElementById('plot'), d = p.getContext('2d').getImageData(0, 0, p.width, p.height).data;"
        " return d.filter((v, i) => i % 4 === 3 && v > 0).length; })()"
    )
    assert ink > 1000


def test_regions_that_overlap_are_all_named_at_a_voxel(browser: Browser, report_content: ReportContent) -> None:
    offset, seen = browser.evaluate("meta.offset"), set()
    for voxel in np.argwhere(report_content.maps.mask)[::97]:
        s, r, c = (int(v) for v in voxel)
        said = str(browser.evaluate(f"describe({s}, {r - offset[0]}, {c - offset[1]})"))
        named = [region.name for region in report_content.shown if region.mask[s, r, c]]
        assert re.sub(r".*1/s", "", said) == "".join(f", {name}" for name in named)
        seen.add(tuple(named))
    assert {(), ("Right lobe", "whole liver")} <= seen


def test_keys_scroll_and_switch(browser: Browser) -> None:
    browser.evaluate("document.getElementById('image').focus()")
    before = browser.evaluate("[viewer.state.slice, viewer.state.row, viewer.state.column]")
    for key in ("PageUp", "ArrowDown", "ArrowRight", "m"):
        browser.press(key)
    after = browser.evaluate("[viewer.state.slice, viewer.state.row, viewer.state.column]")
    assert after == [min(before[0] + 1, 5), before[1] + 1, before[2] + 1]
    assert browser.evaluate("viewer.state.map") == "sd"
    wide = float(text_of(browser, "high"))
    browser.press("+")
    assert float(text_of(browser, "high")) < wide
    plain = picture(browser)
    browser.press("o")
    assert browser.evaluate("document.getElementById('overlay').value") == "low"
    assert not np.array_equal(plain, picture(browser)), "low confidence is hatched"
    assert browser.complaints() == []


def test_a_page_that_would_be_too_large_leaves_the_echoes_out(
    report_content: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = viewer_page(report_content, with_echoes=True)
    assert 'id="data-echo0"' in whole and len(whole) < 15_000_000
    monkeypatch.setattr(viewer, "LARGEST_BYTES", len(whole) - 1)
    save_viewer(tmp_path / "v.html", report_content)
    page = (tmp_path / "v.html").read_text(encoding="utf-8")
    assert 'id="data-echo0"' not in page and "echoes were left out" in page
    assert page.count("Research use only, not for diagnosis.") == 1
    assert "http://" not in page and "https://" not in page


def test_text_of_the_scan_is_escaped(report_content: ReportContent) -> None:
    page = viewer_page(report_content, with_echoes=False)
    assert "scan &lt;of&gt; a phantom &amp; more" in page and "<of>" not in page
