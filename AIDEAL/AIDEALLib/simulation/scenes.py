"""Difficult scenes: steep fields, arms beside the trunk, motion, ghosts, phase errors, and patients who are not average."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..echoes import Geometry
from .abdomen import FIELD_VIEW_MM, abdomen
from .artefacts import NO_ARTEFACTS, Artefacts
from .contents import CONTENTS, grid_of
from .dipole import ppm_to_hz
from .protocol import Protocol
from .shapes import FloatArray, radial_depth
from .tissue import TissueMaps

ARMS = 16
"""Number of the segment 'Arms'."""
WIDE_VIEW_MM = 540.0
ARM_CENTRE_MM, ARM_SEMI_AXES_MM = (224.0, 10.0), (36.0, 44.0)
ARM_SHIM_PPM = 1.5
"""Standard deviation of the field of an arm relative to the trunk's: the shim is made for the trunk."""


@dataclass(frozen=True)
class Scene:
    """Difficulties of a scan.

    Attributes
    ----------
    name : str
        Short name.
    slope_hz : float
        Change of the field over 384 mm along an oblique axis, at 1.5 T; proportional to the field strength.
    arms : bool
        A field of view of 540 mm with both arms beside the trunk, islands whose field differs from the trunk's.
    artefacts : Artefacts
        Limited resolution, ghost and motion.
    bipolar_phase_rad : float
        Odd/even phase, as in `Protocol`.
    bipolar_slope_rad : float
        Its change over the field of view, as in `Protocol`.
    corrections : str
        'auto' lets the run correct phase errors, as it does by default; 'no' leaves them in.
    content : str
        What the patient brings along, a name out of `contents.CONTENTS`; '' for nothing.
    view_mm : float
        Field of view along rows and columns, without arms.
    body_scale : float
        Size of the body relative to that of an adult. Slices are that much closer in the body of a child.
    """

    name: str
    slope_hz: float = 0.0
    arms: bool = False
    artefacts: Artefacts = NO_ARTEFACTS
    bipolar_phase_rad: float = 0.0
    bipolar_slope_rad: float = 0.0
    corrections: str = "auto"
    content: str = ""
    view_mm: float = FIELD_VIEW_MM
    body_scale: float = 1.0

    def patient(
        self, seed: int, field_strength_t: float, matrix: tuple[int, int, int], slice_mm: float, liver_r2star: float | None
    ) -> TissueMaps:
        """The patient in this scene, on pixels `artefacts.oversampling` times narrower than the scan's and in its layers.

        Parameters
        ----------
        seed : int
            Patient.
        field_strength_t : float, tesla
            Main field.
        matrix : tuple of int
            Voxels of the scan along (slice, row, column).
        slice_mm : float
            Distance of slices.
        liver_r2star : float, 1/s, optional
            R2* of the liver; drawn when None.

        Returns
        -------
        TissueMaps
        """
        finer, layers = self.artefacts.oversampling, self.artefacts.layers
        slices, rows, columns = matrix[0] * layers, matrix[1] * finer, matrix[2] * finer
        view = (WIDE_VIEW_MM if self.arms else self.view_mm) / self.body_scale
        spacing = (view / columns, view / rows, slice_mm / layers)
        tissue = abdomen(seed, field_strength_t, (slices, rows, columns), spacing, liver_r2star)
        if self.content:
            tissue = CONTENTS[self.content](tissue, np.random.default_rng([seed, 5]))
        if self.arms:
            tissue = with_arms(tissue, seed)
        if self.body_scale != 1:
            tissue = scaled(tissue, self.body_scale)
        return with_slope(tissue, self.slope_hz) if self.slope_hz else tissue

    def protocol(self, protocol: Protocol) -> Protocol:
        """The protocol with the scene's odd/even phase."""
        return replace(protocol, bipolar_phase_rad=self.bipolar_phase_rad, bipolar_slope_rad=self.bipolar_slope_rad)


PLAIN = Scene("plain")
CROPPED = Scene("cropped k-space", artefacts=Artefacts(oversampling=2))
"""Voxels mix tissues at edges and ring, as in every scan."""
INTERPOLATED = Scene("zero filled by 2", artefacts=Artefacts(oversampling=2, zero_filling=2.0))
"""Images interpolated to pixels half as wide as those of the scan."""
HARD_SCENES: tuple[Scene, ...] = (
    Scene("steep, wrapped field", slope_hz=1200.0, artefacts=Artefacts(oversampling=2)),
    Scene("arms", arms=True),
    Scene("motion and ghost", artefacts=Artefacts(oversampling=2, ghost=0.04, motion_mm=3.0)),
    Scene("odd/even phase left in", bipolar_phase_rad=0.06, bipolar_slope_rad=0.12, corrections="no"),
)

PATIENTS: tuple[Scene, ...] = (
    Scene("island behind gas", artefacts=Artefacts(oversampling=2), content="island behind gas"),
    Scene("implant", artefacts=Artefacts(oversampling=2), content="implant"),
    Scene("ascites and free gas", artefacts=Artefacts(oversampling=2), content="ascites"),
    Scene("iron beside fat", artefacts=Artefacts(oversampling=2), content="iron beside fat"),
    Scene("child", artefacts=Artefacts(oversampling=2), content="child", view_mm=280.0, body_scale=0.75),
    Scene("obese adult", artefacts=Artefacts(oversampling=2), content="obese adult", view_mm=520.0, body_scale=1.1),
)
"""Patients who are not average; arms are up, out of the field of view."""


THICK_SLICE_MM = 8.0
THICK_SLICES = Scene("contiguous slices of 8 mm", artefacts=Artefacts(layers=6))
"""Slices that are excited one by one; field gradients across them dephase their signal."""


def scaled(tissue: TissueMaps, factor: float) -> TissueMaps:
    """The same body, `factor` times as large; the field of a body does not depend on its size."""
    a, b, c = (factor * s for s in tissue.geometry.spacing_mm)
    x, y, z = (factor * v for v in tissue.geometry.origin_mm)
    return replace(tissue, geometry=Geometry((a, b, c), (x, y, z), tissue.geometry.direction))


def with_slope(tissue: TissueMaps, hz_per_view: float) -> TissueMaps:
    """The same object in a field that rises by `hz_per_view` (at 1.5 T) over 384 mm, along an axis turned by 30 degrees."""
    grid = grid_of(tissue)
    x, y, _ = grid.mesh()
    along = (0.866 * x + 0.5 * y) / FIELD_VIEW_MM
    rise = np.float32(hz_per_view * tissue.field_strength_t / 1.5) * along
    return replace(tissue, field_hz=tissue.field_hz + np.broadcast_to(rise, tissue.shape))


def with_arms(tissue: TissueMaps, seed: int) -> TissueMaps:
    """The same patient with both arms at the sides: subcutaneous fat, muscle, a bone with fatty marrow; fields of their own."""
    rng = np.random.default_rng([seed, 4])
    grid = grid_of(tissue)
    x, y, z = grid.mesh()
    maps = {name: getattr(tissue, name).copy() for name in ("proton_density", "pdff_percent", "r2star_per_s", "field_hz")}
    arms = np.zeros(tissue.shape, bool)
    for side in (-1, 1):
        offset = (x - side * ARM_CENTRE_MM[0] + rng.normal(0, 4), y - ARM_CENTRE_MM[1] + rng.normal(0, 8))
        rim, bone = rng.uniform(5, 10), radial_depth(offset, (13, 13))
        skin = radial_depth(offset, ARM_SEMI_AXES_MM, 2.2)
        arm = np.broadcast_to((skin > 0), tissue.shape) & ~tissue.body
        arms |= arm
        layers: tuple[tuple[FloatArray, float, float, float], ...] = (
            (skin, 1.15, rng.uniform(90, 96), 32.0),
            (skin - np.float32(rim), 0.75, rng.uniform(1, 8), 32.0),
            (bone, 0.12, 10.0, 200.0),
            (bone - np.float32(4), 0.95, rng.uniform(75, 92), 60.0),
        )
        for depth, density, fat, r2star in layers:
            inside = arm & (depth > 0)
            for name, value in (("proton_density", density), ("pdff_percent", fat), ("r2star_per_s", r2star)):
                maps[name][inside] = value
        ppm = rng.normal(0, ARM_SHIM_PPM) + rng.normal(0, 0.5) * offset[1] / 50 + rng.normal(0, 0.3) * z / 50
        arm_hz = np.broadcast_to(ppm_to_hz(np.asarray(ppm, np.float32), tissue.field_strength_t), tissue.shape)
        maps["field_hz"][arm] = arm_hz[arm]
    labels = tissue.labels.copy()
    labels[arms] = ARMS
    return replace(tissue, **maps, body=tissue.body | arms, labels=labels, label_names={**tissue.label_names, ARMS: "Arms"})
