"""An upper abdomen with known PDFF, R2* and field, from a seed. For demonstration and evaluation, not to train networks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from .anatomy import UpperAbdomen
from .dipole import field_between_ppm, ppm_to_hz
from .materials import FAT_PPM, MATERIALS, WATER_PPM, Tissue, iron_susceptibility_ppm, r2star_at
from .shapes import AnyFloats, FloatArray, Grid, Texture
from .tissue import TissueMaps

LABELS: dict[int, str] = {
    1: "Right lobe",
    2: "Left lobe",
    3: "Liver dome",
    4: "Liver vessels",
    5: "Spleen",
    6: "Kidneys",
    7: "Gallbladder",
    8: "Stomach and bowel",
    9: "Pancreas",
    10: "Muscle",
    11: "Spine",
    12: "Blood",
    13: "Heart",
    14: "Subcutaneous fat",
    15: "Visceral fat",
}
LIVER_LABELS = (1, 2, 3)
_LABEL_OF = {
    Tissue.LIVER_VESSEL: 4,
    Tissue.SPLEEN: 5,
    Tissue.KIDNEY: 6,
    Tissue.GALLBLADDER: 7,
    Tissue.STOMACH_WALL: 8,
    Tissue.STOMACH: 8,
    Tissue.BOWEL: 8,
    Tissue.PANCREAS: 9,
    Tissue.MUSCLE: 10,
    Tissue.MARROW: 11,
    Tissue.DISC: 11,
    Tissue.BLOOD: 12,
    Tissue.HEART_MUSCLE: 13,
    Tissue.SUBCUTANEOUS_FAT: 14,
    Tissue.VISCERAL_FAT: 15,
}
DOME_DEPTH_MM = 15.0
"""Liver closer than this below the diaphragm is labelled dome: there the field is steepest and swaps are likely."""
TOP_MM = 5.0
"""Height of the top slice above the top of the diaphragm."""
FIELD_VIEW_MM = 384.0
"""Field of view along rows and columns."""


def abdomen(
    seed: int,
    field_strength_t: float,
    matrix: tuple[int, int, int] = (12, 192, 192),
    spacing_mm: tuple[float, float, float] | None = None,
    iron_r2star: float | None = None,
    liver_pdff: tuple[float, float] | None = None,
    separate_dome: bool = True,
) -> TissueMaps:
    """An upper abdomen, from above the dome of the liver downwards.

    Parameters
    ----------
    seed : int
        Patient; the same seed is the same patient at any matrix, spacing and field strength.
    field_strength_t : float, tesla
        Main field.
    matrix : tuple of int
        Voxels along (slice, row, column); the last slice is the topmost, through lung and heart.
    spacing_mm : tuple of float, optional
        Voxel size along (column, row, slice); by default 384 mm field of view and slices 10 mm apart.
    iron_r2star : float, 1/s, optional
        R2* of the liver at `field_strength_t`; drawn from healthy values by default.
    liver_pdff : tuple of float, percent, optional
        PDFF of the right and the left lobe; drawn by default.
    separate_dome : bool
        Label the dome as a segment of its own, not as part of its lobe.

    Returns
    -------
    TissueMaps
        With segments `LABELS`; SNR refers to the liver. Lung, gas and air have no signal.
    """
    slices, rows, columns = matrix
    if spacing_mm is None:
        spacing_mm = (FIELD_VIEW_MM / columns, FIELD_VIEW_MM / rows, 10.0)
    grid = Grid(
        TOP_MM - spacing_mm[2] * (slices - 1 - np.arange(slices)),
        spacing_mm[1] * (np.arange(rows) - (rows - 1) / 2),
        spacing_mm[0] * (np.arange(columns) - (columns - 1) / 2),
    )
    patient = UpperAbdomen(seed)
    tissues = patient.tissues(grid)
    rng = np.random.default_rng([seed, 2])
    values = {tissue: (rng.uniform(*m.pdff_percent), rng.uniform(*m.r2star_per_s)) for tissue, m in MATERIALS.items()}
    right = values[Tissue.LIVER][0]
    drawn = (right, right * rng.uniform(0.75, 1.0))
    lobe_pdff = liver_pdff if liver_pdff is not None else drawn
    liver_r2star = float(iron_r2star if iron_r2star is not None else r2star_at(values[Tissue.LIVER][1], field_strength_t))
    liver_ppm = WATER_PPM + (FAT_PPM - WATER_PPM) * lobe_pdff[0] / 100 + iron_susceptibility_ppm(liver_r2star, field_strength_t)

    left = patient.lobes(grid)
    is_liver = tissues == Tissue.LIVER
    pdff = _by_tissue(tissues, {t: v[0] for t, v in values.items()})
    pdff[is_liver & ~left], pdff[is_liver & left] = lobe_pdff
    r2star = r2star_at(_by_tissue(tissues, {t: v[1] for t, v in values.items()}), field_strength_t)
    r2star[is_liver] = liver_r2star
    mottle = _by_tissue(tissues, {t: m.mottle for t, m in MATERIALS.items()})
    coarse, fine, speckle = (Texture(rng, scale).on(grid) for scale in (25.0, 8.0, 4.0))
    lean = 1 - pdff / 100
    pdff = pdff * (1 + mottle * np.clip(0.8 * coarse + 0.5 * fine, -3, 3) * lean)
    r2star = r2star * (1 + 1.2 * mottle * np.clip(coarse * 0.6 - fine * 0.7, -3, 3))
    density = _by_tissue(tissues, {t: m.density for t, m in MATERIALS.items()})
    density = density * (1 + mottle * np.clip(0.5 * fine + 0.7 * speckle, -3, 3))

    depth = patient.diaphragm(grid) - grid.mesh()[2]
    labels = _by_tissue(tissues, {t: float(_LABEL_OF.get(t, 0)) for t in Tissue}).astype(np.uint8)
    labels[is_liver] = np.where(left[is_liver], 2, 1)
    if separate_dome:
        labels[is_liver & (depth < DOME_DEPTH_MM)] = 3
    body = density > 0
    field_ppm = _shimmed(_field_ppm(patient, grid, tissues, liver_ppm), grid, body, rng)
    return TissueMaps(
        proton_density=density.astype(np.float32),
        pdff_percent=np.clip(pdff, 0, 100).astype(np.float32),
        r2star_per_s=np.maximum(r2star, 0).astype(np.float32),
        field_hz=ppm_to_hz(field_ppm, field_strength_t),
        body=body,
        labels=labels,
        label_names=LABELS,
        geometry=Geometry(spacing_mm, (float(grid.x[0]), float(grid.y[0]), float(grid.z[0]))),
        field_strength_t=field_strength_t,
        reference_labels=LIVER_LABELS,
    )


def _by_tissue(tissues: npt.NDArray[np.uint8], values: dict[Tissue, float]) -> FloatArray:
    """Spread one value per tissue over the map."""
    table = np.zeros(max(Tissue) + 1, np.float32)
    for tissue, value in values.items():
        table[tissue] = value
    return np.asarray(table[tissues])


def _field_ppm(patient: UpperAbdomen, grid: Grid, tissues: npt.NDArray[np.uint8], liver_ppm: float) -> npt.NDArray[np.float32]:
    """Field of the whole trunk around the scanned slices, on the grid of the scan, in ppm.

    Computed on voxels of 3 x 3 x 4 mm that reach well above and below the scan, since lung and tissue outside it shift the
    field too.
    """
    wide = Grid(
        np.arange(grid.z.min() - 100, grid.z.max() + 140, 4.0), np.arange(-150, 151, 3.0), np.arange(-201, 202, 3.0)
    )  # fmt: skip
    ppm = {t: m.susceptibility_ppm for t, m in MATERIALS.items()} | {Tissue.LIVER: liver_ppm, Tissue.LIVER_VESSEL: WATER_PPM}
    return field_between_ppm(_by_tissue(patient.tissues(wide), ppm), wide, grid, _by_tissue(tissues, ppm))


def _shimmed(field_ppm: FloatArray, grid: Grid, body: npt.NDArray[np.bool_], rng: np.random.Generator) -> FloatArray:
    """Remove constant, linear and quadratic terms over the body, as a scanner's shim would, and add a small error of each."""
    x, y, z = (np.broadcast_to(v / 150, grid.shape) for v in grid.mesh())
    terms: list[AnyFloats] = [np.ones(grid.shape, np.float32), x, y, z, x * y, y * z, x * z, x * x, y * y, z * z]
    inside = np.flatnonzero(body)[::7]
    design = np.stack([t.ravel()[inside] for t in terms], axis=1).astype(np.float64)
    fitted, *_ = np.linalg.lstsq(design, field_ppm.ravel()[inside].astype(np.float64), rcond=None)
    error = rng.normal(0, 1, len(terms)) * np.array([0.15, 0.25, 0.25, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    corrected = field_ppm.copy()
    for term, change in zip(terms, error - fitted, strict=True):
        corrected += np.float32(change) * term
    return corrected
