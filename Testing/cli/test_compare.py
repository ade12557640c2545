"""`aideal compare`: two results, or a scan and a result, become a comparison on disk and on the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from AIDEALLib.cli import running
from AIDEALLib.cli.main import app
from AIDEALLib.estimation.phase_correction import plan
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.io.npz import write_npz
from AIDEALLib.io.output import staging
from AIDEALLib.io.segmentation import Segmentation, save_segmentation
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.scan import acquire


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(plan, "plan_corrections", lambda *_: NO_CORRECTIONS)
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


@pytest.mark.parametrize("words", ["compare baseline follow-up --out", "run baseline --out out --dicom"])
def test_a_place_that_cannot_be_is_found_before_computing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    def computed(*_: object, **__: object) -> None:
        raise AssertionError("found only after the computation")

    monkeypatch.setattr(running, "run_with_progress", computed)
    monkeypatch.chdir(tmp_path)
    for name in ("baseline", "follow-up"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    for place in ("file", "baseline/inside"):
        done = CliRunner().invoke(app, [*words.split(), place])
        assert done.exit_code == 1 and ("is a file" in done.output or "lies inside" in done.output), done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["baseline", "file", "follow-up"]


def test_an_error_of_the_program_is_one_line_without_what_the_files_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, words in (
        (ZeroDivisionError("Doe^John"), "The program failed (ZeroDivisionError in "),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."), "ran out of memory"),
    ):

        def broken(*_: object, raised: Exception = error) -> None:
            raise raised

        monkeypatch.setattr(staging, "open_target", broken)
        done = CliRunner().invoke(app, ["compare", "a", "b", "--out", str(tmp_path)])
        assert done.exit_code == 1 and words in " ".join(done.output.split()), done.output
        assert "Doe" not in done.output and len(done.output.strip().splitlines()) == 1
