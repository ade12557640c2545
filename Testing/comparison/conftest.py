"""Two visits made of smooth maps: a body with a liver of known fat, moved by a known shift."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from AIDEALLib.comparison.compare import Visit
from AIDEALLib.echoes import Geometry
from AIDEALLib.io.segmentation import Segmentation
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.regions.measure import RegionOptions, measure_segments

SHAPE, SPACING = (7, 44, 52), (6.0, 6.0, 9.0)


def provenance(te_s: tuple[float, ...] = (0.001, 0.002, 0.003)) -> Provenance:
    return Provenance("1", "refined", "cpu", "2", te_s, 1.5, {"name": "six-peak"}, {}, "as given", "monopolar", (1.0,))


@pytest.fixture
def visit() -> Callable[..., Visit]:
    """Make a visit: its name, PDFF of the liver, shift of the body in mm along (column, row, slice), echo times, segments."""

    def make(
        name: str,
        pdff: float,
        shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0),
        te_s: tuple[float, ...] = (0.001, 0.002, 0.003),
        drawn: bool = True,
    ) -> Visit:
        z, y, x = np.meshgrid(
            *[s * (np.arange(n) - (n - 1) / 2) for n, s in zip(SHAPE, SPACING[::-1], strict=True)], indexing="ij"
        )
        x, y, z = (axis - s for axis, s in zip((x, y, z), shift_mm, strict=True))
        body = (x / 140) ** 2 + (y / 105) ** 2 < 1
        liver = ((x + 40) / 75) ** 2 + (y / 70) ** 2 + (z / 45) ** 2 < 1
        structure = sum(np.cos(x / a + b) * np.sin(y / b + a) * np.cos(z / (a + 9)) for a, b in ((13, 17), (21, 12), (9, 15)))
        signal = np.where(body, 100 + 25 * structure + 60 * liver + 40 * (np.hypot(x - 60, y + 20) < 22), 0)
        noise = np.random.default_rng(len(name)).standard_normal(SHAPE)
        fraction = np.where(liver, pdff, 40.0) + 0.5 * noise
        water = gaussian_filter(signal, (0, 0.6, 0.6)) * (1 - fraction / 100)
        arrays = {key: np.zeros(SHAPE, np.float32) for key in MAP_INFO}
        arrays |= {
            "water": np.where(body, water, 0),
            "fat": np.where(body, water * fraction / (100 - fraction), 0),
            "pdff": np.where(body, fraction, 0),
            "pdff_total_sd": np.where(body, 0.5, 0),
            "r2star": np.where(body, 40.0, 0),
        }
        floats = {key: np.asarray(array, np.float32) for key, array in arrays.items()}
        maps = ParameterMaps(**floats, mask=body, geometry=Geometry(SPACING), provenance=provenance(te_s))
        labels = np.where(liver, np.where(x > -40, 2, 1), 0).astype(np.int32)
        segments = Segmentation(labels, {1: "Right lobe", 2: "Left lobe"})
        rows = measure_segments(maps, segments.segments, RegionOptions()).rows if drawn else []
        return Visit(name, maps, rows, segments if drawn else None)

    return make
