"""A protocol, a grid, and scans written on it as image files, for tests of the readers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.io.images import image_of

TE_S = (0.0012, 0.0032, 0.0052, 0.0072)
GEOMETRY = Geometry(
    spacing_mm=(1.5, 2.0, 5.0), origin_mm=(-20.0, 30.0, 7.0), direction=(0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
)


def image(array: npt.ArrayLike, header: dict[str, str] | None = None) -> sitk.Image:
    """Image (slice, row, column) on the grid `GEOMETRY`."""
    result = image_of(np.asarray(array), GEOMETRY)
    for key, value in (header or {}).items():
        result.SetMetaData(key, value)
    return result


def write(
    path: Path, array: npt.ArrayLike, header: dict[str, str] | None = None, sidecar: dict[str, object] | None = None
) -> None:
    """Write a volume or a stack of them, with a JSON sidecar where one is given."""
    data = np.asarray(array)
    picture = image(data, header) if data.ndim == 3 else sitk.JoinSeries([image(volume) for volume in data])
    for key, value in (header or {}).items():
        picture.SetMetaData(key, value)
    sitk.WriteImage(picture, str(path))
    if sidecar is not None:
        (path.parent / (path.name.split(".")[0] + ".json")).write_text(json.dumps(sidecar))


def assert_same_scan(series: EchoSeries, echoes: npt.NDArray[np.complex64], tolerance: float = 1e-4) -> None:
    """Compare a scan with its echoes, to a share of the largest, and with the protocol and grid of this module."""
    np.testing.assert_allclose(series.echoes, echoes, atol=tolerance * np.abs(echoes).max())
    np.testing.assert_allclose(series.te_s, TE_S)
    assert series.field_strength_t == 3.0
    np.testing.assert_allclose(series.geometry.spacing_mm, GEOMETRY.spacing_mm, rtol=1e-5)
    np.testing.assert_allclose(series.geometry.origin_mm, GEOMETRY.origin_mm, rtol=1e-5)
    np.testing.assert_allclose(series.geometry.direction, GEOMETRY.direction, atol=1e-5)


def bids(folder: Path, echoes: npt.NDArray[np.complex64], order: tuple[int, ...] = (1, 2, 3, 4)) -> None:
    """Write a scan as BIDS, the echoes numbered in the order given."""
    folder.mkdir(exist_ok=True)
    for number, te, echo in zip(order, TE_S, echoes, strict=True):
        for part, values in (("mag", np.abs(echo)), ("phase", np.angle(echo))):
            write(
                folder / f"sub-01_echo-{number}_part-{part}_MEGRE.nii.gz",
                values,
                sidecar={"EchoTime": te, "MagneticFieldStrength": 3},
            )
