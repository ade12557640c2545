"""Numerical fat-water phantoms: vials of known PDFF and R2*."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..echoes import Geometry
from ..errors import InputError
from .dipole import ppm_to_hz
from .materials import FAT_PPM, WATER_PPM
from .shapes import FloatArray
from .tissue import TissueMaps


@dataclass(frozen=True)
class VialTable:
    """Contents of the vials of a phantom.

    Attributes
    ----------
    name : str
        Description.
    pdff_percent : tuple of float
        PDFF of each vial.
    r2star_per_s : tuple of float
        R2* of each vial.
    """

    name: str
    pdff_percent: tuple[float, ...]
    r2star_per_s: tuple[float, ...]


_SEVEN = (100.0, 80.0, 50.0, 28.0, 17.1, 11.3, 5.2)
VIAL_TABLES: dict[str, VialTable] = {
    "1": VialTable("seven vials, R2* set 1", _SEVEN, (39.7, 73.4, 50.2, 34.5, 25.9, 21.8, 17.2)),
    "2": VialTable("seven vials, R2* set 2", _SEVEN, (116.3, 100.7, 83.1, 68.7, 50.9, 35.8, 19.5)),
    "3": VialTable("seven vials, R2* set 3", _SEVEN, (79.3, 131.3, 88.3, 59.2, 43.2, 35.7, 27.2)),
    "multi-site": VialTable(
        "eleven vials of the multi-site phantom",
        (0.0, 2.6, 5.3, 7.9, 10.5, 15.7, 20.9, 31.2, 41.3, 51.4, 100.0),
        (13.7, 15.8, 17.8, 18.2, 20.0, 22.5, 27.7, 32.4, 38.3, 44.6, 27.3),
    ),
}
"""Vial tables by key. Seven vials: Meneses et al. 2026. Eleven: Hernando et al., Magn Reson Med 2017;77:1516."""


def phantom(
    r2star_set: int | str = 1,
    field_strength_t: float = 1.5,
    matrix: tuple[int, int, int] = (1, 192, 192),
    pixel_mm: float = 1.5,
    water_filled: bool = False,
    gradient_hz: tuple[float, float] = (60.0, 40.0),
) -> TissueMaps:
    """Vials across the main field (which points along the rows), one in the middle and the others around it.

    Parameters
    ----------
    r2star_set : int or str
        1, 2 or 3 (seven vials, three sets of R2*), or 'multi-site' (eleven vials); R2* is as listed at any field strength.
    field_strength_t : float, tesla
        Main field.
    matrix : tuple of int
        Voxels along (slice, row, column); all slices are alike.
    pixel_mm : float
        Pixel width; slices are 5 mm apart.
    water_filled : bool
        Water between the vials; by default air without signal, so that smoothness cannot connect the vials.
    gradient_hz : tuple of float
        Linear change of the field over the field of view along (row, column) at 1.5 T; proportional to the field strength.

    Returns
    -------
    TissueMaps
        Segments 'vial 1', 'vial 2', ... lie within the vials, two pixels (at 192) off their rim. SNR refers to them.

    Raises
    ------
    InputError
        There is no such set of vials.

    Notes
    -----
    The field is a linear term plus that of the vials as long cylinders across B0, in closed form: inside -chi/6, outside
    chi/2 (a/r)^2 cos 2 phi, chi relative to what lies between the vials. Its mean over the vials, the scanner's centre
    frequency, is 0.
    """
    if str(r2star_set) not in VIAL_TABLES:
        raise InputError(f"There is no vial set '{r2star_set}'; expected one of {', '.join(VIAL_TABLES)}.")
    table = VIAL_TABLES[str(r2star_set)]
    slices, rows, columns = matrix
    y, x = ((np.arange(n, dtype=np.float32) - np.float32((n - 1) / 2)) * pixel_mm for n in (rows, columns))
    y, x = y[:, None], x[None, :]
    view = min(rows, columns) * pixel_mm
    n_vials = len(table.pdff_percent)
    vial_mm, ring_mm = view * (0.09 if n_vials <= 7 else 0.068), view * (0.31 if n_vials <= 7 else 0.34)
    centres = [(0.0, 0.0)] + [
        (ring_mm * np.cos(turn), ring_mm * np.sin(turn))
        for turn in 2 * np.pi * np.arange(n_vials - 1) / (n_vials - 1) - np.pi / 2
    ]
    outside_ppm = WATER_PPM if water_filled else 0.0
    pdff, r2star = np.zeros((rows, columns), np.float32), np.full((rows, columns), 5.0, np.float32)
    density = np.full((rows, columns), 1.0 if water_filled else 0.0, np.float32)
    labels, field_ppm = np.zeros((rows, columns), np.uint8), np.zeros((rows, columns), np.float32)
    if water_filled:
        density[np.hypot(x, y) > 0.47 * view] = 0
    for number, ((cx, cy), fat, decay) in enumerate(zip(centres, table.pdff_percent, table.r2star_per_s, strict=True), start=1):
        radius = np.hypot(x - cx, y - cy)
        inside = radius <= vial_mm
        pdff[inside], r2star[inside], density[inside] = fat, decay, 1.0
        labels[radius <= vial_mm - 2 * view / 192] = number
        chi = WATER_PPM + (FAT_PPM - WATER_PPM) * fat / 100 - outside_ppm
        field_ppm += _cylinder_ppm(x - cx, y - cy, vial_mm, chi)
    field_ppm -= field_ppm[labels > 0].mean()
    slope_ppm = np.asarray(gradient_hz) / (42.577 * 1.5)
    field_ppm += (slope_ppm[0] * y / (rows * pixel_mm) + slope_ppm[1] * x / (columns * pixel_mm)).astype(np.float32)

    def stack(image: np.ndarray) -> np.ndarray:
        return np.repeat(image[None], slices, axis=0)

    return TissueMaps(
        proton_density=stack(density),
        pdff_percent=stack(pdff),
        r2star_per_s=stack(r2star),
        field_hz=ppm_to_hz(stack(field_ppm), field_strength_t),
        body=stack(density > 0),
        labels=stack(labels),
        label_names={number: f"vial {number}" for number in range(1, n_vials + 1)},
        geometry=Geometry((pixel_mm, pixel_mm, 5.0), (float(x.min()), float(y.min()), 0.0)),
        field_strength_t=field_strength_t,
        reference_labels=tuple(range(1, n_vials + 1)),
    )


def _cylinder_ppm(x: FloatArray, y: FloatArray, radius_mm: float, chi_ppm: float) -> FloatArray:
    """Field of a long cylinder along the slices, B0 along the rows (y)."""
    squared = np.maximum(x**2 + y**2, 1e-6)
    outside = chi_ppm / 2 * radius_mm**2 / squared * (y**2 - x**2) / squared
    return np.asarray(np.where(squared <= radius_mm**2, -chi_ppm / 6, outside), dtype=np.float32)
