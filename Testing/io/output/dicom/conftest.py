"""A small scan as DICOM, maps on its grid, and their objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.io.dicom.read import read_dicom
from AIDEALLib.options import Overrides
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.statistics import WHOLE_LIVER, Measuring, NoiseCorrelation, RunErrors, liver_groups, region_statistics

pytest.importorskip("highdicom")

from AIDEALLib.io.output.dicom.content import ExportContent, Region
from AIDEALLib.io.output.dicom.export import Exported, export_dicom

SHAPE = (4, 48, 40)
NAMES = {1: "Right lobe", 2: "Left lobe", 3: "Couinaud segment VII", 4: "Circle 1"}
PDF = b"%PDF-1.4\n% a page\n%%EOF"
Make = Callable[[ParameterMaps], ExportContent]

WHITE_NOISE = RunErrors(NoiseCorrelation.of([[[1.0]]]))


@pytest.fixture(scope="session")
def tilted() -> EchoSeries:
    """Four slices, oblique, with pixels that are not square."""
    series, _ = demo_liver(matrix=(SHAPE[0], 48, 48))
    cosine, sine = np.cos(0.3), np.sin(0.3)
    direction = (cosine, 0.0, sine, 0.0, 1.0, 0.0, -sine, 0.0, cosine)
    geometry = Geometry((3.0, 2.5, 7.0), (-80.125, -60.5, 33.25), direction)
    return replace(series, echoes=np.ascontiguousarray(series.echoes[:, :, :, : SHAPE[2]]), geometry=geometry)


@pytest.fixture(scope="session")
def scans(tilted: EchoSeries, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folder of the scan in a vendor's dialect."""
    written: dict[str, Path] = {}

    def scan(dialect: str) -> Path:
        if dialect not in written:
            written[dialect] = tmp_path_factory.mktemp("scan") / "images"
            write_scan(written[dialect], tilted, DIALECTS[dialect])
        return written[dialect]

    return scan


@pytest.fixture(scope="session")
def classic_scan(scans: Callable[[str], Path]) -> Path:
    """The scan as classic images."""
    return scans("siemens classic")


@pytest.fixture(scope="session")
def result(classic_scan: Path) -> ParameterMaps:
    """Maps with negative values, values beyond 100 %, and zeros outside the foreground."""
    geometry = read_dicom([classic_scan], Overrides()).geometry
    generator = np.random.default_rng(4)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, 4:44, 3:36] = True
    scale = {"water": 900.0, "fat": 300.0, "pdff": 30.0, "field": 80.0, "r2star": 60.0, "swap_probability": 0.2}
    arrays = {
        name: np.where(mask, generator.normal(0.5, 1.0, SHAPE) * scale.get(name, 3.0), 0.0).astype(np.float32)
        for name in MAP_INFO
    }
    arrays["pdff"][0, 20, 20], arrays["pdff"][1, 21, 21] = -17.37, 312.44
    for name in ("pdff_sd", "pdff_total_sd", "r2star_sd", "field_sd", "residual", "swap_probability"):
        arrays[name] = np.abs(arrays[name])
    provenance = Provenance(
        version="0.2.0",
        method="refined",
        device="cpu",
        torch_version="2.0",
        te_s=(0.0013, 0.0034, 0.0055),
        field_strength_t=1.5,
        spectrum={"name": "six-peak", "ppm": [-3.4], "amplitudes": [1.0]},
        models={"G_phi": "ab" * 32, "G_R2star": "cd" * 32},
        phase_sign="as given",
        readout="monopolar",
        noise_sd=(1.0,) * SHAPE[0],
        seconds={"reading": 1.0},
    )
    return ParameterMaps(**arrays, mask=mask, geometry=geometry, provenance=provenance)


@pytest.fixture(scope="session")
def labels() -> np.ndarray:  # type: ignore[type-arg]
    """Two lobes, a Couinaud segment and a circle, apart from each other."""
    values = np.zeros(SHAPE, dtype=np.int32)
    values[1:3, 8:20, 5:18], values[1:4, 8:20, 20:33] = 1, 2
    values[0, 30:40, 5:15], values[3, 30:36, 20:26] = 3, 4
    return values


@pytest.fixture(scope="session")
def content_of(labels: np.ndarray) -> Make:  # type: ignore[type-arg]
    """What is exported of maps."""

    def make(maps: ParameterMaps) -> ExportContent:
        masks = {name: labels == label for label, name in NAMES.items()}
        masks["whole liver"] = np.isin(labels, liver_groups(NAMES)[WHOLE_LIVER])
        regions = tuple(
            Region(mask, region_statistics(maps, mask, name, Measuring(maps.geometry.voxel_volume_ml, errors=WHITE_NOISE)))
            for name, mask in masks.items()
        )
        return ExportContent(maps, regions, ("warn: The field is steep. Leave the dome out.",), "Tang 2015", PDF)

    return make


@pytest.fixture(scope="session")
def content(content_of: Make, result: ParameterMaps) -> ExportContent:
    """What is exported."""
    return content_of(result)


@pytest.fixture(scope="session")
def objects(content: ExportContent, classic_scan: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Exported]:
    """All objects, in the study of the classic scan."""
    return export_dicom(content, tmp_path_factory.mktemp("objects"), [classic_scan])
