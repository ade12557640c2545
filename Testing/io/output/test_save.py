"""What is written is whole: maps with their geometry and unit, the overview, the table."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from paths import MODULE

from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.io.output.overview import largest_slice, save_overview
from AIDEALLib.io.output.save import save_maps, staged_directory
from AIDEALLib.io.output.tables import COLUMNS, save_table
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.statistics import region_statistics

GEOMETRY = Geometry(
    spacing_mm=(1.5, 2.0, 5.0), origin_mm=(-20.0, 30.0, 7.0), direction=(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
)
SHAPE = (3, 24, 20)
TE_S = (0.0013, 0.0034, 0.0055)
FILES = {f"{name}.nrrd" for name in MAP_INFO} | {"mask.nrrd", "provenance.json"}


@pytest.fixture
def series() -> EchoSeries:
    rng = np.random.default_rng(1)
    echoes = rng.normal(size=(3, *SHAPE)) + 1j * rng.normal(size=(3, *SHAPE))
    return EchoSeries(echoes.astype(np.complex64), np.asarray(TE_S), 1.5, GEOMETRY, source="made up")


@pytest.fixture
def maps() -> ParameterMaps:
    rng = np.random.default_rng(2)
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[:, 4:20, 3:17] = True
    mask[1, 2:22, 3:17] = True
    arrays = {name: (rng.normal(20, 30, SHAPE) * mask).astype(np.float32) for name in MAP_INFO}
    provenance = Provenance(
        version="0.1.0",
        method="refined",
        device="cpu",
        torch_version="2",
        te_s=TE_S,
        field_strength_t=1.5,
        spectrum={"ppm": np.array([-3.4, 0.6])},
        models={},
        phase_sign="as model",
        readout="unknown",
        noise_sd=(1.0, 2.0, 3.0),
        notes=("µ",),
    )
    return ParameterMaps(**arrays, mask=mask, geometry=GEOMETRY, provenance=provenance)


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
    assert provenance["te_s"] == list(TE_S)
    assert provenance["notes"] == ["µ"]


def test_other_files_of_an_existing_folder_stay(tmp_path: Path, maps: ParameterMaps) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "pdff.nrrd").write_text("old")
    save_maps(maps, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == FILES | {"mine.txt"}
    assert sitk.ReadImage(str(tmp_path / "pdff.nrrd")).GetSize() == SHAPE[::-1]


def test_nothing_is_left_of_a_failure(tmp_path: Path, maps: ParameterMaps) -> None:
    def break_off() -> None:
        with staged_directory(tmp_path / "out") as stage:
            save_maps(maps, stage)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        break_off()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        save_maps(maps, tmp_path / "out")


def test_overview_is_a_picture_of_the_largest_slice(tmp_path: Path, series: EchoSeries, maps: ParameterMaps) -> None:
    from matplotlib.image import imread

    save_overview(series, maps, tmp_path / "chosen.png")
    save_overview(series, maps, tmp_path / "same.png", slice_index=1)
    save_overview(series, maps, tmp_path / "other.png", slice_index=0)
    chosen, same, other = (imread(tmp_path / f"{name}.png") for name in ("chosen", "same", "other"))
    assert chosen.shape[1] > 800
    np.testing.assert_array_equal(chosen, same)
    assert chosen.shape != other.shape or np.any(chosen != other)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chosen.png", "other.png", "same.png"]
    with pytest.raises(ValueError, match="no slice 3"):
        save_overview(series, maps, tmp_path / "x.png", slice_index=3)


def test_overview_of_nothing(tmp_path: Path, series: EchoSeries, maps: ParameterMaps) -> None:
    empty = ParameterMaps(
        **{name: np.zeros(SHAPE, np.float32) for name in MAP_INFO},
        mask=np.zeros(SHAPE, np.bool_),
        geometry=GEOMETRY,
        provenance=maps.provenance,
    )
    assert largest_slice(empty.mask) == 1
    save_overview(series, empty, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_table_keeps_full_precision_and_odd_names(tmp_path: Path, maps: ParameterMaps) -> None:
    row = region_statistics(maps, maps.mask, 'lobe "A", right\n#1', voxel_volume_ml=0.015)
    empty = region_statistics(maps, np.zeros(SHAPE, np.bool_), "none", voxel_volume_ml=0.015)
    save_table([row, empty], tmp_path / "statistics.csv", {"version": "0.1.0", "note": "two\nlines"})
    lines = (tmp_path / "statistics.csv").read_text(encoding="utf-8").split("\n")
    assert lines[:2] == ["# version: 0.1.0", "# note: two lines"]
    first, second = csv.DictReader("\n".join(lines[2:]).splitlines(keepends=True))
    assert list(first) == list(COLUMNS.values())
    assert first["segment"] == row.name
    assert float(first["pdff_mean_percent"]) == row.pdff_mean
    assert int(first["voxels"]) == row.voxels
    assert math.isnan(empty.pdff_mean)
    assert second["pdff_mean_percent"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["statistics.csv"]
    with pytest.raises(InputError, match="Cannot write"):
        save_table([row], tmp_path / "nowhere" / "statistics.csv")


def test_every_column_is_a_field_and_every_field_a_column(maps: ParameterMaps) -> None:
    row = region_statistics(maps, maps.mask, "all", voxel_volume_ml=1.0)
    assert set(COLUMNS) == set(row.__dataclass_fields__)


def test_no_heavy_library_is_loaded_before_it_is_needed() -> None:
    import subprocess

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
