"""The same files on the command line's way and through the scene: the same bits, the same provenance, the same findings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_writer import DIALECTS, write_scan
from paths import REAL_DATA
from scipy.io import savemat

from AIDEALLib.echoes import EchoSeries, PhaseSign
from AIDEALLib.io.npz import write_npz
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import Outcome, run
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.worker.client import Finding, Result, WorkerClient

pytest.importorskip("slicer")

REAL_SCANS = ("abdomen3T_4echo", "bottles15T_16echo_bipolar", "spine15T_5echo", "thorax3T_6echo")


@pytest.fixture(scope="module")
def small() -> EchoSeries:
    """A scan with numbers that six digits do not hold."""
    series, _ = demo_liver(matrix=(2, 48, 48))
    return replace(series, te_s=series.te_s + 1.234567e-7)


def npz_of_three_echoes(series: EchoSeries, folder: Path) -> list[Path]:
    three = replace(series, echoes=np.conj(series.echoes[:3]), te_s=series.te_s[:3], phase_sign=PhaseSign.CONJUGATED)
    write_npz(folder / "three.npz", three)
    return [folder / "three.npz"]


def matlab(series: EchoSeries, folder: Path) -> list[Path]:
    images = np.transpose(np.conj(series.echoes), (2, 3, 1, 0))[:, :, :, np.newaxis]
    fields = {"images": images, "TE": series.te_s, "FieldStrength": 1.4931, "PrecessionIsClockwise": -1.0}
    savemat(folder / "case.mat", {"imDataParams": {**fields, "voxelSize": [1.7, 1.9, 6.1]}})
    return [folder / "case.mat"]


def nifti(series: EchoSeries, folder: Path) -> list[Path]:
    affine = np.diag([1.7, 1.9, 6.1, 1.0])
    paths = []
    for number, (echo, te_s) in enumerate(zip(series.echoes, series.te_s, strict=True), start=1):
        for part, values in (("mag", np.abs(echo)), ("ph", np.angle(echo))):
            path = folder / f"case_e{number}_{part}.nii.gz"
            nibabel.Nifti1Image(np.transpose(values.astype(np.float32), (2, 1, 0)), affine).to_filename(path)
            sidecar = {"EchoTime": float(te_s), "MagneticFieldStrength": 2.89362}
            (folder / f"case_e{number}_{part}.json").write_text(json.dumps(sidecar))
            paths.append(path)
    return paths


def dicom(series: EchoSeries, folder: Path) -> list[Path]:
    return write_scan(folder, series, DIALECTS["ge first echo time in all headers"])


@pytest.fixture
def through_scene(scene: Any, warm_worker: WorkerClient) -> Iterator[Callable[[list[Path], RunOptions], Result]]:
    from AIDEALLib.mrml.logic import AidealLogic
    from AIDEALLib.mrml.scan.files import load_scan
    from AIDEALLib.mrml.scan.sequences import scan_of_sequences

    logic = AidealLogic(scene, warm_worker)
    ended: list[Any] = []
    logic.finished.connect(lambda _maps, result: ended.append(result))

    def estimate(paths: list[Path], options: RunOptions) -> Result:
        logic.estimate(scan_of_sequences(*load_scan(scene, paths).pair), options)
        assert isinstance(ended[-1], Result), ended
        return ended[-1]

    yield estimate
    for tag in logic._observers:
        scene.RemoveObserver(tag)


def assert_same(result: Result, outcome: Outcome) -> None:
    theirs = dict(outcome.maps.items())
    for name, array in result.maps.items():
        assert array.tobytes() == theirs[name].tobytes(), name
    np.testing.assert_array_equal(result.maps.mask, outcome.maps.mask)
    np.testing.assert_allclose(asdict(result.maps.geometry)["spacing_mm"], outcome.maps.geometry.spacing_mm)
    ours, expected = (
        {**maps.provenance.as_dict(), "seconds": None, "cpu_seconds": None} for maps in (result.maps, outcome.maps)
    )
    for key in expected:
        assert json.dumps(ours[key]) == json.dumps(expected[key]), key
    assert result.quality is not None and outcome.quality is not None
    assert [rounded(f) for f in result.quality.findings] == [rounded(f) for f in outcome.quality.findings]
    assert result.quality.expected == outcome.quality.expected


def rounded(finding: Finding) -> Finding:
    return replace(finding, area_mm2=round(finding.area_mm2, 3))


@pytest.mark.parametrize("write", [npz_of_three_echoes, matlab, nifti, dicom])
def test_files_of_each_kind(
    write: Callable[[EchoSeries, Path], list[Path]], small: EchoSeries, through_scene: Any, tmp_path: Path, models: str
) -> None:
    paths = write(small, tmp_path)
    options = RunOptions(device="cpu", models=models, anyway=True)
    outcome = run(paths if len(paths) > 1 else paths[0], options)
    assert_same(through_scene(paths, options), outcome)


@pytest.mark.parametrize("name", REAL_SCANS)
def test_real_scans(name: str, through_scene: Any, models: str) -> None:
    folder = REAL_DATA / name
    if not folder.is_dir():
        pytest.skip(f"real scans are not in {REAL_DATA}")
    options = RunOptions(device="cpu", method="one-shot", models=models, preset="phantom", anyway=True)
    assert_same(through_scene([folder], options), run(folder, options))


@pytest.mark.parametrize(("preset", "advised"), [("liver", True), ("phantom", False)])
def test_options_reach_check_and_findings(
    preset: str, advised: bool, small: EchoSeries, through_scene: Any, tmp_path: Path
) -> None:
    """A flip angle that biases PDFF of livers is no finding of a phantom."""
    paths = dicom(small, tmp_path)
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.FlipAngle, dataset.RepetitionTime = 20.0, 14.0
        dataset.save_as(path)
    options = RunOptions(device="cpu", method="magnitude", preset=preset, spectrum="single-peak", ppm_offset=0.05, anyway=True)
    result = through_scene(paths, options)
    assert_same(result, run(paths, options))
    assert result.maps.provenance.spectrum["ppm"] == pytest.approx([-3.35])
    assert ("t1-bias" in result.quality.codes()) is advised
