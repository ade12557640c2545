"""What a patient may bring along: an island behind gas, an implant, ascites, iron beside fat, a very small or large body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from .abdomen import LABELS
from .dipole import field_between_ppm, ppm_to_hz
from .materials import FAT_PPM, MATERIALS, WATER_PPM, Tissue
from .shapes import AnyFloats, Grid, ellipsoid
from .tissue import TissueMaps

ISLAND = 17
"""Number of the segment 'Island behind gas'."""
ISLAND_FIELD_PPM = 1.0
"""SD of the field of an island relative to the trunk's."""
IMPLANT_RADIUS_MM = 10.0
IMPLANT_PPM = 30.0
"""Susceptibility above that of tissue of a sphere that fills the void; a smaller piece of steel has the same dipole moment."""
ASCITES_MM = 18.0
"""Depth of the fluid inside the abdominal wall."""
IRON_R2STAR_PER_S = (250.0, 450.0)
"""R2* of the siderotic lobe at 1.5 T."""
CHILD_FAT_MM, OBESE_FAT_MM = 3.0, 45.0
"""Subcutaneous fat, in the millimetres of an adult before the body is scaled; added to the patient's own in obesity."""
FIELD_GRID_MM = (3.0, 3.0, 4.0)

Bools = npt.NDArray[np.bool_]
Content = Callable[[TissueMaps, np.random.Generator], TissueMaps]


def with_island_behind_gas(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with a loop of bowel that gas separates from everything else, in a field of its own."""
    centre = np.array([rng.uniform(-10, 45), rng.uniform(-48, -36), -35.0])
    axes, inner = np.array([50.0, 34.0, 75.0]), np.array([rng.uniform(22, 32), rng.uniform(13, 20), 60.0])

    def gas(grid: Grid) -> Bools:
        return np.asarray((ellipsoid(grid, centre, axes) > 0) & (ellipsoid(grid, centre, inner) <= 0))

    grid = grid_of(tissue)
    hollow, island = gas(grid) & tissue.body, (ellipsoid(grid, centre, inner) > 0) & np.ones(tissue.shape, bool)
    depth = np.broadcast_to(ellipsoid(grid, centre, inner), tissue.shape)
    fatty = depth < rng.uniform(4, 8)
    water, fat = MATERIALS[Tissue.BOWEL], MATERIALS[Tissue.VISCERAL_FAT]
    out = _painted(tissue, island, np.where(fatty, fat.density, water.density), np.where(fatty, 88.0, rng.uniform(2, 25)), 35.0)
    out = _emptied(_in_field(out, lambda g: -WATER_PPM * gas(g)), hollow & ~island)
    own = ppm_to_hz(np.asarray(rng.normal(0, ISLAND_FIELD_PPM), np.float32), tissue.field_strength_t)
    labels = np.where(island, np.uint8(ISLAND), out.labels)
    return replace(
        out,
        field_hz=np.where(island, out.field_hz + own, out.field_hz).astype(np.float32),
        labels=labels,
        label_names={**out.label_names, ISLAND: "Island behind gas"},
    )


def with_implant(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with a void of 2 cm around a piece of metal beside the liver, and its dipole field."""
    centre = (rng.uniform(-40, 20), rng.uniform(-50, 20), rng.uniform(-50, -20))

    def metal(grid: Grid) -> Bools:
        return np.asarray(ellipsoid(grid, centre, (IMPLANT_RADIUS_MM,) * 3) > 0)

    out = _in_field(tissue, lambda grid: IMPLANT_PPM * metal(grid))
    return _emptied(out, np.broadcast_to(metal(grid_of(tissue)), tissue.shape))


def with_ascites(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with fluid instead of fat along the abdominal wall, and bubbles of free gas in front of the liver."""
    spacing = tissue.geometry.spacing_mm[1::-1]
    wall = tissue.segment("Muscle", "Subcutaneous fat") | ~tissue.body
    distance = np.stack([scipy.ndimage.distance_transform_edt(~outside, spacing) for outside in wall])
    fluid = tissue.segment("Visceral fat") & (distance < ASCITES_MM)
    out = _painted(tissue, fluid, 1.1, 0.0, 3.0)
    bubbles = [((rng.uniform(-90, -20), rng.uniform(-88, -74), rng.uniform(-80, -45)), rng.uniform(9, 16)) for _ in range(3)]

    def gas(grid: Grid) -> Bools:
        return np.asarray(np.any([ellipsoid(grid, c, (1.8 * r, 0.8 * r, 2.5 * r)) > 0 for c, r in bubbles], axis=0))

    out = _in_field(out, lambda grid: -WATER_PPM * gas(grid))
    return _emptied(out, np.broadcast_to(gas(grid_of(tissue)), tissue.shape) & ~tissue.segment("Subcutaneous fat"))


def with_iron_beside_fat(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with iron in the left lobe and in patches of a right lobe with 25 to 40 % fat."""
    noise = scipy.ndimage.gaussian_filter(
        rng.standard_normal(tissue.shape), (0.5, *(12.0 / s for s in tissue.geometry.spacing_mm[1::-1]))
    )
    liver = tissue.segment("Right lobe", "Left lobe", "Liver dome")
    patches = liver & (noise > 0.8 * noise.std())
    iron = tissue.segment("Left lobe") | patches
    per_s = rng.uniform(*IRON_R2STAR_PER_S) * tissue.field_strength_t / 1.5
    pdff = np.where(liver & ~iron, rng.uniform(25, 40), tissue.pdff_percent)
    r2star = np.where(iron, per_s, tissue.r2star_per_s)
    return replace(tissue, pdff_percent=pdff.astype(np.float32), r2star_per_s=r2star.astype(np.float32))


def with_body_of_a_child(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with 3 mm of subcutaneous fat; the field of view makes it small."""
    spacing = tissue.geometry.spacing_mm[1::-1]
    fat = tissue.segment("Subcutaneous fat")
    away = np.stack([scipy.ndimage.distance_transform_edt(f | ~b, spacing) for f, b in zip(fat, tissue.body, strict=True)])
    return _emptied(tissue, fat & (away > CHILD_FAT_MM * rng.uniform(0.7, 1.3)))


def with_body_of_an_obese_adult(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """The patient with 45 mm more subcutaneous fat."""
    spacing = tissue.geometry.spacing_mm[1::-1]
    filled = np.stack([scipy.ndimage.binary_fill_holes(body) for body in tissue.body])
    away = np.stack([scipy.ndimage.distance_transform_edt(~body, spacing) for body in filled])
    rim = (away > 0) & (away < OBESE_FAT_MM * rng.uniform(0.8, 1.2))
    material = MATERIALS[Tissue.SUBCUTANEOUS_FAT]
    out = _painted(tissue, rim, material.density, rng.uniform(*material.pdff_percent), 32.0)
    inside = ppm_to_hz(np.asarray(FAT_PPM / 3, np.float32), tissue.field_strength_t)  # of a long cylinder along the main field
    number = next(n for n, name in LABELS.items() if name == "Subcutaneous fat")
    field_hz = np.where(rim, out.field_hz + inside, out.field_hz).astype(np.float32)
    return replace(out, field_hz=field_hz, labels=np.where(rim, np.uint8(number), out.labels))


CONTENTS: dict[str, Content] = {
    "island behind gas": with_island_behind_gas,
    "implant": with_implant,
    "ascites": with_ascites,
    "iron beside fat": with_iron_beside_fat,
    "child": with_body_of_a_child,
    "obese adult": with_body_of_an_obese_adult,
}
"""What can be added to a patient, by the name that `Scene.content` takes."""


def grid_of(tissue: TissueMaps) -> Grid:
    """Voxel centres in mm."""
    slices, rows, columns = tissue.shape
    dx, dy, dz = tissue.geometry.spacing_mm
    x, y, z = tissue.geometry.origin_mm
    return Grid(z + dz * np.arange(slices), y + dy * np.arange(rows), x + dx * np.arange(columns))


def _painted(tissue: TissueMaps, where: Bools, density: npt.ArrayLike, pdff: npt.ArrayLike, r2star: float) -> TissueMaps:
    """The maps with other tissue, without a segment, where `where` (slice, row, column) is True."""
    return replace(
        tissue,
        proton_density=np.where(where, density, tissue.proton_density).astype(np.float32),
        pdff_percent=np.where(where, pdff, tissue.pdff_percent).astype(np.float32),
        r2star_per_s=np.where(where, r2star, tissue.r2star_per_s).astype(np.float32),
        body=tissue.body | where,
        labels=np.where(where, np.uint8(0), tissue.labels),
    )


def _emptied(tissue: TissueMaps, where: Bools) -> TissueMaps:
    """The maps without signal where `where` (slice, row, column) is True."""
    density = np.where(where, np.float32(0), tissue.proton_density)
    return replace(
        tissue, proton_density=density, body=tissue.body & ~where, labels=np.where(where, np.uint8(0), tissue.labels)
    )


def _in_field(tissue: TissueMaps, susceptibility_ppm: Callable[[Grid], AnyFloats]) -> TissueMaps:
    """The maps with the field of an added susceptibility, painted on a grid of 3 x 3 x 4 mm that reaches beyond the scan."""
    grid = grid_of(tissue)
    axes = [
        np.arange(a.min() - 60, a.max() + 60, step)
        for a, step in zip((grid.z, grid.y, grid.x), FIELD_GRID_MM[::-1], strict=True)
    ]
    wide = Grid(*axes)
    painted, own = (np.broadcast_to(susceptibility_ppm(g), g.shape) for g in (wide, grid))
    added = field_between_ppm(painted, wide, grid, own)
    return replace(tissue, field_hz=tissue.field_hz + ppm_to_hz(added, tissue.field_strength_t))
