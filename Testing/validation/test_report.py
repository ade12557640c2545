"""Cases are estimated once and kept; the report is one page with everything in it."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from AIDEALLib.errors import Cancelled
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.simulation.scan import PAPER
from AIDEALLib.simulation.scenes import Scene
from AIDEALLib.validation import bench as benches
from AIDEALLib.validation import sensitivity
from AIDEALLib.validation.bench import Bench, fingerprint
from AIDEALLib.validation.cases import Abdomen, Case
from AIDEALLib.validation.pictures import Drawing
from AIDEALLib.validation.plan import Plan
from AIDEALLib.validation.report import Chapter, write_chapter, write_report
from AIDEALLib.validation.run import SECTIONS, Request, validate
from AIDEALLib.validation.tables import Column, table

PATIENT = Abdomen(3, (2, 48, 48), 40.0, Scene("without corrections", corrections="no"))
CASES = [Case(PATIENT, replace(PAPER, snr=50.0), (seed,)) for seed in (0, 1)]


@pytest.fixture(scope="module")
def networks() -> Networks:
    return load_networks("cpu")


@dataclass(frozen=True)
class Row:
    name: str
    value: float


def bench_in(folder: Path, networks: Networks, stamp: str = "a", cancel=lambda: False) -> tuple[Bench, list[int]]:
    done: list[int] = []
    return Bench(folder / stamp, networks, "cpu", lambda what, slices: done.append(slices), cancel), done


def test_a_case_is_estimated_once_per_network_and_code(tmp_path, networks, monkeypatch):
    times = []
    monkeypatch.setattr(benches, "estimate_case", lambda *a, real=benches.estimate_case: times.append(1) or real(*a))
    bench, done = bench_in(tmp_path, networks)
    bench.prepare(CASES)
    first = bench.voxels(CASES[0])
    assert (len(times), sum(done)) == (2, 4)
    assert first.label_names[1] == "Right lobe" and first.shape == (2, 48, 48)
    reopened, done = bench_in(tmp_path, networks)
    reopened.prepare(CASES)
    assert (len(times), sum(done)) == (2, 4), "nothing estimated, and the progress is complete"
    assert (reopened.voxels(CASES[0]).pdff == first.pdff).all()
    assert not np.array_equal(reopened.voxels(CASES[1]).pdff, first.pdff)
    changed, _ = bench_in(tmp_path, networks, "another stamp")
    changed.remove_outdated()
    changed.prepare(CASES[:1])
    assert len(times) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["another stamp"]


def test_a_damaged_file_is_replaced(tmp_path, networks):
    bench, _ = bench_in(tmp_path, networks)
    first = bench.voxels(CASES[0])
    (path,) = tmp_path.glob("*/*.npz")
    path.write_bytes(path.read_bytes()[:1000])
    assert (bench.voxels(CASES[0]).pdff == first.pdff).all()


def test_cancel_keeps_what_was_finished(tmp_path, networks):
    bench, _ = bench_in(tmp_path, networks, cancel=lambda: any(tmp_path.glob("*/*.npz")))
    with pytest.raises(Cancelled):
        bench.prepare(CASES)
    assert [path.suffix for path in tmp_path.glob("*/*")] == [".npz"]


def test_cancelled_report_names_what_is_finished(tmp_path, networks):
    request = Request(tmp_path, Plan(quick=True), ("sensitivity", "coverage"), None, networks, "cpu")
    with pytest.raises(Cancelled, match="Cancelled after 1 of 2 sections"):
        validate(request, cancel=lambda: True)
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("<h2") == 1


def test_fingerprint_depends_on_networks_and_device(networks):
    here = fingerprint(networks, "cpu")
    assert here == fingerprint(networks, "cpu")
    assert len({here, fingerprint(networks, "cuda:0"), fingerprint(replace(networks, checksums={"G_phi": "0"}), "cpu")}) == 3


def test_report_holds_its_pictures_and_names_its_files(tmp_path):
    drawing = Drawing(1, 1, 2, 2)
    picture = drawing.picture("dots", "A <caption>")
    rows = [Row("a|b*", 1.25), Row("c", float("nan"))]
    columns = (Column("Name", "name"), Column("Value", "value", "+.1f"))
    parts = ("x < y", picture, table("values", "Some values.", rows, columns), table("all", "The rest", rows))
    chapter = Chapter("first", "First & foremost", parts)
    write_chapter(chapter, tmp_path)
    write_report([chapter], ["How it was made."], tmp_path)
    assert {p.name for p in (tmp_path / "first").iterdir()} == {"dots.png", "values.csv", "all.csv"}
    assert (tmp_path / "first" / "values.csv").read_text() == "name,value\na|b*,1.25\nc,\n"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "x &lt; y" in page and "First &amp; foremost" in page and "Research use only" in page
    (encoded,) = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(encoded) == picture.png == (tmp_path / "first" / "dots.png").read_bytes()
    assert not re.search(r'(src|href)="(?!data:|#)', page), "nothing is loaded from elsewhere"
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| a\\|b\\* | +1.2 |\n| c | - |" in text
    assert "The rest: `first/all.csv`" in text and "![A <caption>](first/dots.png)" in text


def test_real_scans_are_optional_and_unreadable_ones_named(tmp_path, networks):
    (tmp_path / "scans" / "empty").mkdir(parents=True)
    (tmp_path / "scans" / "notes.txt").write_text("no scan, not read")
    for folder, words in ((None, "No real scans were given"), (tmp_path / "scans", "empty cannot be read")):
        validate(Request(tmp_path / "out", Plan(quick=True), ("real",), folder, networks, "cpu"))
        assert words in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_sections_alone_repeat_to_the_byte(tmp_path, networks):
    pages = []
    for name in ("one", "two"):
        validate(Request(tmp_path / name, Plan(quick=True), (sensitivity.KEY,), None, networks, "cpu"))
        pages.append((tmp_path / name / "report.html").read_bytes())
        assert os.listdir(tmp_path / name / sensitivity.KEY)
    assert pages[0] == pages[1]
    assert b"--section sensitivity" in pages[0]


def test_every_case_of_a_plan_is_listed_once(networks):
    full = Request(Path(), Plan(), SECTIONS, None, networks, "cpu")
    cases = full.cases()
    assert len(cases) == len(set(cases))
    assert {case.protocol.snr for case in Plan().sweep()} == {5, 10, 15, 20, 30, 50}
    assert len({repr(case) for case in cases}) == len(cases), "the key of a case on disk is its repr"
