"""Scenes harder than an abdomen well shimmed and held still: what is done to the patient and to the scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .abdomen import FIELD_VIEW_MM, abdomen
from .dipole import ppm_to_hz
from .protocol import Protocol
from .shapes import FloatArray, Grid, radial_depth
from .tissue import TissueMaps

ARMS = 16
"""Number of the segment 'Arms'."""
WIDE_VIEW_MM = 540.0
ARM_CENTRE_MM, ARM_SEMI_AXES_MM = (224.0, 10.0), (36.0, 44.0)
ARM_SHIM_PPM = 1.5
"""Standard deviation of the field of an arm against that of the trunk: a shim made for the trunk does not hold there."""


@dataclass(frozen=True)
class Scene:
    """What makes a scan harder.

    Attributes
    ----------
    name : short name.
    slope_hz : change of the field over 384 mm along a slant, at 1.5 T; more in proportion to the field strength.
    arms : a field of view of 540 mm with both arms beside the trunk, islands whose field differs from the trunk's.
    oversampling : mix tissues at edges, ring, and lose signal where the field is steep, by simulating finer pixels.
    ghost, motion_mm : as in `acquire`.
    bipolar_phase_rad, bipolar_slope_rad : odd/even phase, as in `Protocol`.
    corrections : 'auto' lets the run correct phase errors as it does by default, 'no' leaves them in.
    """

    name: str
    slope_hz: float = 0.0
    arms: bool = False
    oversampling: int = 1
    ghost: float = 0.0
    motion_mm: float = 0.0
    bipolar_phase_rad: float = 0.0
    bipolar_slope_rad: float = 0.0
    corrections: str = "auto"

    def patient(
        self, seed: int, field_strength_t: float, matrix: tuple[int, int, int], slice_mm: float, liver_r2star: float | None
    ) -> TissueMaps:
        """The patient of that seed in this scene, on pixels `oversampling` times finer than the scan's `matrix`."""
        slices, rows, columns = matrix[0], matrix[1] * self.oversampling, matrix[2] * self.oversampling
        view = WIDE_VIEW_MM if self.arms else FIELD_VIEW_MM
        spacing = (view / columns, view / rows, slice_mm)
        tissue = abdomen(seed, field_strength_t, (slices, rows, columns), spacing, liver_r2star)
        if self.arms:
            tissue = with_arms(tissue, seed)
        return with_slope(tissue, self.slope_hz) if self.slope_hz else tissue

    def protocol(self, protocol: Protocol) -> Protocol:
        """The protocol with the scene's odd/even phase."""
        return replace(protocol, bipolar_phase_rad=self.bipolar_phase_rad, bipolar_slope_rad=self.bipolar_slope_rad)


PLAIN = Scene("plain")
HARD_SCENES: tuple[Scene, ...] = (
    Scene("steep, wrapped field", slope_hz=1200.0, oversampling=2),
    Scene("arms", arms=True),
    Scene("motion and ghost", oversampling=2, ghost=0.04, motion_mm=3.0),
    Scene("odd/even phase left in", bipolar_phase_rad=0.06, bipolar_slope_rad=0.12, corrections="no"),
)


def with_slope(tissue: TissueMaps, hz_per_view: float) -> TissueMaps:
    """The same object in a field that rises by `hz_per_view` (at 1.5 T) over 384 mm, along a slant of 30 degrees."""
    grid = _grid(tissue)
    x, y, _ = grid.mesh()
    along = (0.866 * x + 0.5 * y) / FIELD_VIEW_MM
    rise = np.float32(hz_per_view * tissue.field_strength_t / 1.5) * along
    return replace(tissue, field_hz=tissue.field_hz + np.broadcast_to(rise, tissue.shape))


def with_arms(tissue: TissueMaps, seed: int) -> TissueMaps:
    """The same patient with both arms at the sides: skin fat, muscle, a bone with fatty marrow; each in a field of its own."""
    rng = np.random.default_rng([seed, 4])
    grid = _grid(tissue)
    x, y, z = grid.mesh()
    maps = {name: getattr(tissue, name).copy() for name in ("proton_density", "pdff_percent", "r2star_per_s", "field_hz")}
    arms = np.zeros(tissue.shape, bool)
    for side in (-1, 1):
        offset = (x - side * ARM_CENTRE_MM[0] + rng.normal(0, 4), y - ARM_CENTRE_MM[1] + rng.normal(0, 8))
        rim, bone = rng.uniform(5, 10), radial_depth(offset, (13, 13))
        skin = radial_depth(offset, ARM_SEMI_AXES_MM, 2.2)
        here = np.broadcast_to((skin > 0), tissue.shape) & ~tissue.body
        arms |= here
        layers: tuple[tuple[FloatArray, float, float, float], ...] = (
            (skin, 1.15, rng.uniform(90, 96), 32.0),
            (skin - np.float32(rim), 0.75, rng.uniform(1, 8), 32.0),
            (bone, 0.12, 10.0, 200.0),
            (bone - np.float32(4), 0.95, rng.uniform(75, 92), 60.0),
        )
        for depth, density, fat, r2star in layers:
            inside = here & (depth > 0)
            for name, value in (("proton_density", density), ("pdff_percent", fat), ("r2star_per_s", r2star)):
                maps[name][inside] = value
        ppm = rng.normal(0, ARM_SHIM_PPM) + rng.normal(0, 0.5) * offset[1] / 50 + rng.normal(0, 0.3) * z / 50
        own = np.broadcast_to(ppm_to_hz(np.asarray(ppm, np.float32), tissue.field_strength_t), tissue.shape)
        maps["field_hz"][here] = own[here]
    labels = tissue.labels.copy()
    labels[arms] = ARMS
    return replace(tissue, **maps, body=tissue.body | arms, labels=labels, label_names={**tissue.label_names, ARMS: "Arms"})


def _grid(tissue: TissueMaps) -> Grid:
    """Voxel centres in mm."""
    slices, rows, columns = tissue.shape
    dx, dy, dz = tissue.geometry.spacing_mm
    x, y, z = tissue.geometry.origin_mm
    return Grid(z + dz * np.arange(slices), y + dy * np.arange(rows), x + dx * np.arange(columns))
