"""`aideal compare`: two results, or a scan and a result, become a comparison on disk and on the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from AIDEALLib import pipeline
from AIDEALLib.cli.main import app
from AIDEALLib.estimation.phase_correction.plan import NO_CORRECTIONS
from AIDEALLib.io.npz import write_npz
from AIDEALLib.io.segmentation import Segmentation, save_segmentation
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.scan import acquire


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pipeline, "plan_corrections", lambda *_: NO_CORRECTIONS)
    tissue = phantom(1, 1.5, (2, 48, 48), pixel_mm=6.0)
    series = acquire(tissue, replace(PAPER, snr=40.0), np.random.default_rng(0))
    write_npz(tmp_path / "scan.npz", series)
    labels = np.where(np.isin(tissue.labels, (5, 6)), tissue.labels, 0).astype(np.int32)
    save_segmentation(Segmentation(labels, {5: "Right lobe", 6: "Left lobe"}), series.geometry, tmp_path / "lobes.seg.nrrd")
    return tmp_path


def aideal(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "160", "TERM": "dumb"})


def test_compare_a_scan_with_a_result(scan: Path) -> None:
    given = ("--baseline-segmentation", scan / "lobes.seg.nrrd", "--method", "one-shot")
    first = aideal(
        "run", scan / "scan.npz", "--out", scan / "b", "--segmentation", scan / "lobes.seg.nrrd", "--method", "magnitude"
    )
    assert first.exit_code == 0, first.output
    done = aideal(
        *("compare", scan / "scan.npz", scan / "b", "--out", scan / "c", *given, "--repeatability", 1.5, "--no-registration")
    )
    assert done.exit_code == 0, done.output
    assert {p.name for p in (scan / "c").iterdir()} == {"baseline", "compare.html", "change.csv", "agreement.png", "files.json"}
    said = " ".join(done.output.split())
    for words in (
        "Right lobe",
        "Left lobe",
        "whole liver",
        "given with --repeatability",
        "Method: one-shot at baseline, magnitude",
    ):
        assert words in said
    refused = aideal("compare", scan / "b", scan / "b", "--out", scan / "d", *given[:2])
    assert refused.exit_code == 1
    assert "holds results" in refused.output
    same = aideal("compare", scan / "b", scan / "b", "--out", scan / "e", "--no-registration")
    assert "no change shown" in same.output
    assert "The protocols agree" in same.output
