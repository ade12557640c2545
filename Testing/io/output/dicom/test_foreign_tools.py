"""The objects as programs that are not ours see them: dciodvfy, dsrdump, dcm2niix and Slicer's reader of volumes."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.io.output.dicom.content import ExportContent
from AIDEALLib.io.output.dicom.export import Exported, export_dicom
from AIDEALLib.io.output.dicom.quantities import QUANTITIES
from AIDEALLib.parameter_maps import ParameterMaps


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (.ci/apt-packages.txt names its package)")
    return found


def errors_of(objects: list[Exported]) -> list[str]:
    validator = tool("dciodvfy")
    found = []
    for o in objects:
        done = subprocess.run([validator, str(o.path)], capture_output=True, text=True, check=False)
        said = done.stderr + done.stdout
        assert {"classic series": "MRImage", "encapsulated pdf": "EncapsulatedPDF"}.get(o.kind, "") in said
        found += [f"{o.path.name}: {line}" for line in said.splitlines() if line.startswith("Error")]
    return found


def test_dciodvfy_finds_no_error(objects: list[Exported]) -> None:
    assert errors_of(objects) == []


def test_dciodvfy_finds_no_error_without_dicom_source(content: ExportContent, tmp_path: Path) -> None:
    written = export_dicom(content, tmp_path)
    assert errors_of([o for o in written if not o.path.name.endswith(("002.dcm", "003.dcm", "004.dcm"))]) == []


def test_dciodvfy_finds_no_error_in_small_values(
    content: ExportContent, result: ParameterMaps, classic_scan: Path, tmp_path: Path
) -> None:
    small = replace(result, water=result.water / np.float32(5000), fat=result.fat / np.float32(5000))
    written = export_dicom(replace(content, maps=small), tmp_path, [classic_scan])
    assert errors_of([o for o in written if o.name in ("water", "fat", "swap_probability")]) == []


def test_dsrdump_shows_the_report(objects: list[Exported], content: ExportContent) -> None:
    (path,) = (o.path for o in objects if o.kind == "structured report")
    done = subprocess.run([tool("dsrdump"), "+Pl", str(path)], capture_output=True, text=True, check=True)
    assert "Comprehensive SR Document" in done.stdout
    for words in ("Mustermann", "Couinaud segment VII", "after Tang 2015", "Research use only", "ab" * 32):
        assert words in done.stdout
    assert f'"{content.regions[0].statistics.pdff_mean:.9g}"' in done.stdout


def on_grid(image: nibabel.Nifti1Image, maps: ParameterMaps) -> npt.NDArray[np.float64]:
    """Values of a NIfTI image at the voxels of the maps, found through their places in the patient."""
    geometry = maps.geometry
    to_patient = (
        np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    )  # NIfTI counts to the right and front, DICOM to the left and back
    indices = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    places = indices @ to_patient[:3, :3].T + to_patient[:3, 3]
    matrix = np.asarray(geometry.direction).reshape(3, 3) * np.asarray(geometry.spacing_mm)
    column, row, slice_ = np.round(np.linalg.solve(matrix, (places - geometry.origin_mm).T)).astype(int)
    values = np.full(maps.mask.shape, np.nan)
    values[slice_, row, column] = np.asarray(image.get_fdata()).ravel()
    return values


def test_dcm2niix_reads_the_values(objects: list[Exported], result: ParameterMaps, tmp_path: Path) -> None:
    converter = tool("dcm2niix")
    for name in ("pdff", "field"):
        images, folder = tmp_path / name, tmp_path / f"{name}-out"
        images.mkdir()
        folder.mkdir()
        for o in objects:
            if o.kind == "classic series" and o.name == name:
                shutil.copy(o.path, images)
        subprocess.run([converter, "-o", str(folder), "-f", name, str(images)], capture_output=True, check=True)
        image = nibabel.load(folder / f"{name}.nii")
        values = on_grid(image, result)
        assert np.abs(values - getattr(result, name)).max() <= 0.006
        assert np.allclose(image.header.get_zooms(), (3.0, 2.5, 7.0), atol=1e-4)


@pytest.mark.parametrize("name", QUANTITIES)
def test_slicer_reads_the_values(objects: list[Exported], result: ParameterMaps, name: str) -> None:
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    from vtk.util.numpy_support import vtk_to_numpy

    scene = slicer.vtkMRMLScene()
    volume, storage = slicer.vtkMRMLScalarVolumeNode(), slicer.vtkMRMLVolumeArchetypeStorageNode()
    scene.AddNode(volume)
    storage.SetSingleFile(0)
    paths = [o.path for o in objects if o.kind == "classic series" and o.name == name]
    storage.SetFileName(str(paths[0]))
    for path in paths:
        storage.AddFileName(str(path))
    assert storage.ReadData(volume)
    image = volume.GetImageData()
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    expected = getattr(result, name)
    scale = np.abs(expected).max() / 32767
    assert np.abs(values - expected).max() <= max(2.6 * scale, 0.006)
    assert np.allclose(volume.GetSpacing(), result.geometry.spacing_mm, atol=1e-4)
