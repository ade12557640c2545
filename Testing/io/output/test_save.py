"""Maps are written whole, with their geometry and unit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from image_files import GEOMETRY
from paths import MODULE

from AIDEALLib.io.output.save import save_maps
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps

FILES = {f"{name}.nrrd" for name in MAP_INFO} | {"mask.nrrd", "provenance.json", "files.json"}


def test_maps_keep_values_geometry_and_unit(tmp_path: Path, maps: ParameterMaps) -> None:
    save_maps(maps, tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    assert {p.name for p in out.iterdir()} == FILES
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    for name, array in maps.items():
        image = sitk.ReadImage(str(out / f"{name}.nrrd"))
        assert image.GetPixelID() == sitk.sitkFloat32
        np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
        np.testing.assert_allclose(image.GetSpacing(), GEOMETRY.spacing_mm)
        np.testing.assert_allclose(image.GetOrigin(), GEOMETRY.origin_mm)
        np.testing.assert_allclose(image.GetDirection(), GEOMETRY.direction, atol=1e-12)
        assert image.GetMetaData("unit") == MAP_INFO[name].unit
    mask = sitk.ReadImage(str(out / "mask.nrrd"))
    assert mask.GetPixelID() == sitk.sitkUInt8
    np.testing.assert_array_equal(sitk.GetArrayFromImage(mask), maps.mask)
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["spectrum"] == {"ppm": [-3.4, 0.6]}
    assert provenance["te_s"] == [0.0013, 0.0034, 0.0055]
    assert provenance["notes"] == ["µ"]


def test_other_files_of_an_existing_folder_stay(tmp_path: Path, maps: ParameterMaps) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "pdff.nrrd").write_text("old")
    save_maps(maps, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == FILES | {"mine.txt"}
    assert sitk.ReadImage(str(tmp_path / "pdff.nrrd")).GetSize() == maps.mask.shape[::-1]


def test_no_heavy_library_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; import AIDEALLib.io.load, AIDEALLib.io.output.save, AIDEALLib.io.segmentation; "
        "import AIDEALLib.io.output.overview, AIDEALLib.io.output.tables, AIDEALLib.statistics; "
        "print(sorted({'torch', 'scipy', 'SimpleITK', 'matplotlib', 'nibabel'} & set(sys.modules)))"
    )
    path = str(MODULE)
    found = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {path!r}); {code}"], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
