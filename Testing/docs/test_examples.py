"""The examples of docs/examples run as they stand, and give what they promise."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_writer import DIALECTS, write_scan
from documents import links
from paths import MODULE, ROOT, TESTING
from waiting import LONG_S

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.npz import write_npz
from AIDEALLib.simulation.tissue import TissueMaps

EXAMPLES = ROOT / "docs" / "examples"
Liver = tuple[EchoSeries, TissueMaps]


@pytest.fixture
def scan(tmp_path: Path, small_liver: Liver) -> Path:
    path = tmp_path / "liver.npz"
    write_npz(path, small_liver[0])
    return path


def run(name: str, *arguments: object) -> None:
    """Call an example's `main` with arguments as a shell gives them."""
    runpy.run_path(str(EXAMPLES / name))["main"](*map(str, arguments))


def test_every_example_is_listed() -> None:
    listed = {link for link in links(EXAMPLES / "README.md") if link.endswith(".py")}
    assert listed == {path.name for path in EXAMPLES.glob("*.py")}


def test_one_scan(scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("estimate_scan.py", scan, tmp_path / "maps")
    assert "stated SD: median" in capsys.readouterr().out
    pdff = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "maps" / "pdff.nrrd")))
    assert pdff.shape == (3, 64, 64)
    assert "findings" in json.loads((tmp_path / "maps" / "quality.json").read_text(encoding="utf-8"))


def test_dicom_to_table(tmp_path: Path, small_liver: Liver, capsys: pytest.CaptureFixture[str]) -> None:
    series, truth = small_liver
    write_scan(tmp_path / "dicom", series, DIALECTS["siemens classic"])
    labels = sitk.GetImageFromArray(truth.labels.astype(np.uint8))
    labels.SetSpacing(series.geometry.spacing_mm)
    labels.SetOrigin(series.geometry.origin_mm)
    labels.SetDirection(series.geometry.direction)
    sitk.WriteImage(labels, str(tmp_path / "lobes.nrrd"))
    run("dicom_table.py", tmp_path / "dicom", tmp_path / "lobes.nrrd", tmp_path / "table.csv")
    assert "6 echoes, 1.5 T, DICOM, Siemens" in capsys.readouterr().out
    lines = [line for line in (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    row = next(csv.DictReader(lines))
    assert float(row["pdff_median_percent"]) == pytest.approx(np.median(truth.pdff_percent[truth.labels == 1]), abs=1.5)


def test_two_methods(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("compare_methods.py", scan, "refined", "one-shot")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("refined minus one-shot, all voxels: bias ")
    assert lines[-1].startswith("more than 40 points apart: ")


@pytest.mark.skipif(importlib.util.find_spec("slicer") is None, reason="slicer-core is not installed")
def test_script_in_slicer(scan: Path, tmp_path: Path) -> None:
    runner, script = TESTING / "tools" / "slicer_core_script.py", EXAMPLES / "slicer_script.py"
    done = subprocess.run(
        [sys.executable, str(runner), str(script), str(tmp_path / "maps"), str(scan)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(MODULE), str(TESTING / "tools")])},
        capture_output=True,
        encoding="utf-8",
        timeout=2 * LONG_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PDFF of the body: mean" in done.stdout
    assert {"pdff.nrrd", "pdff_sd.nrrd", "scene.mrb"} <= {path.name for path in (tmp_path / "maps").iterdir()}


def test_jobs_of_slurm() -> None:
    """The script of a job, which is all that can be had without Slurm."""
    pytest.importorskip("dask_jobqueue")
    example = [sys.executable, str(EXAMPLES / "slurm_cluster.py"), "--print", "--gpu", "--partition", "mri"]
    script = subprocess.run(example, capture_output=True, text=True, check=True).stdout
    assert script.startswith("#!/usr/bin/env bash") and "#SBATCH -p mri" in script and "#SBATCH --gres=gpu:1" in script
    assert "--nthreads 1" in script and "--resources GPU=1" in script and "OMP_NUM_THREADS=1" in script
