"""Properties of tissues: proton density, PDFF, R2* and susceptibility.

R2* at 1.5 T; `r2star_at` converts it to another field strength. The ranges are typical values, chosen within what is
published: Schwenzer et al., Invest Radiol 2008;43:854 (R2* of liver, pancreas and spleen), Kühn et al., Radiology
2015;276:129 (PDFF of the pancreas), Schenck, Med Phys 1996;23:815 (susceptibility, SI ppm, here relative to air).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

WATER_PPM, FAT_PPM, LUNG_PPM = -9.05, -8.4, -1.5
"""Volume susceptibilities, SI, relative to air."""


class Tissue(IntEnum):
    """Tissues of the abdomen model."""

    AIR = 0
    SUBCUTANEOUS_FAT = 1
    MUSCLE = 2
    VISCERAL_FAT = 3
    LUNG = 4
    LIVER = 5
    LIVER_VESSEL = 6
    BLOOD = 7
    SPLEEN = 8
    KIDNEY = 9
    GALLBLADDER = 10
    STOMACH_WALL = 11
    STOMACH = 12
    GAS = 13
    BOWEL = 14
    PANCREAS = 15
    MARROW = 16
    DISC = 17
    CORTICAL_BONE = 18
    SPINAL_FLUID = 19
    HEART_MUSCLE = 20


@dataclass(frozen=True)
class Material:
    """Properties of a tissue; ranges are (lowest, highest) of what is drawn.

    Attributes
    ----------
    density : float
        Proton density, arbitrary unit.
    pdff_percent : tuple of float
        Range of the PDFF.
    r2star_per_s : tuple of float
        Range of R2* at 1.5 T.
    susceptibility_ppm : float
        Volume susceptibility relative to air.
    mottle : float
        Relative SD of the texture within the tissue.
    """

    density: float
    pdff_percent: tuple[float, float]
    r2star_per_s: tuple[float, float]
    susceptibility_ppm: float = WATER_PPM
    mottle: float = 0.04


MATERIALS: dict[Tissue, Material] = {
    Tissue.AIR: Material(0.0, (0, 0), (0, 0), 0.0),
    Tissue.SUBCUTANEOUS_FAT: Material(1.15, (90, 96), (25, 40), FAT_PPM, 0.05),
    Tissue.MUSCLE: Material(0.75, (1, 8), (28, 36), WATER_PPM, 0.08),
    Tissue.VISCERAL_FAT: Material(1.05, (82, 94), (28, 45), FAT_PPM, 0.10),
    Tissue.LUNG: Material(0.0, (0, 0), (0, 0), LUNG_PPM),
    Tissue.LIVER: Material(0.90, (2, 35), (26, 55), WATER_PPM, 0.05),
    Tissue.LIVER_VESSEL: Material(1.08, (0, 0), (10, 20)),
    Tissue.BLOOD: Material(1.08, (0, 0), (6, 14)),
    Tissue.SPLEEN: Material(0.95, (0, 2), (18, 40)),
    Tissue.KIDNEY: Material(1.0, (0, 3), (14, 22), WATER_PPM, 0.06),
    Tissue.GALLBLADDER: Material(0.65, (0, 0), (3, 8)),
    Tissue.STOMACH_WALL: Material(0.8, (1, 6), (25, 40)),
    Tissue.STOMACH: Material(0.6, (0, 6), (8, 30), WATER_PPM, 0.15),
    Tissue.GAS: Material(0.0, (0, 0), (0, 0), 0.0),
    Tissue.BOWEL: Material(0.8, (2, 12), (25, 60), WATER_PPM, 0.15),
    Tissue.PANCREAS: Material(0.9, (3, 15), (22, 35), WATER_PPM, 0.08),
    Tissue.MARROW: Material(0.85, (30, 55), (80, 150), -8.8, 0.08),
    Tissue.DISC: Material(0.6, (0, 4), (25, 45)),
    Tissue.CORTICAL_BONE: Material(0.12, (5, 15), (150, 300), -9.4),
    Tissue.SPINAL_FLUID: Material(0.75, (0, 2), (4, 12)),
    Tissue.HEART_MUSCLE: Material(0.85, (0, 3), (25, 35), WATER_PPM, 0.06),
}


def r2star_at(r2star_per_s: npt.NDArray[np.float32] | float, field_strength_t: float) -> npt.NDArray[np.float32]:
    """R2* of a tissue at another field strength, from its value at 1.5 T.

    Parameters
    ----------
    r2star_per_s : np.ndarray or float
        R2* at 1.5 T.
    field_strength_t : float, tesla
        Main field.

    Returns
    -------
    np.ndarray, same shape, float32, 1/s

    Notes
    -----
    2 R2* - 11 at 3 T, linear in the field; where that would fall below the value at 1.5 T, as for fluids, R2* is unchanged.

    References
    ----------
    Liver: Storey et al., J Magn Reson Imaging 2007;25:540.
    """
    share = (field_strength_t - 1.5) / 1.5
    values = np.asarray(r2star_per_s, np.float32)
    return np.maximum(values + np.float32(share) * (values - 11), min(1.0, field_strength_t / 1.5) * values).astype(np.float32)


def iron_susceptibility_ppm(r2star_per_s: float, field_strength_t: float) -> float:
    """Susceptibility that liver iron adds, in ppm, from R2*.

    Parameters
    ----------
    r2star_per_s : float
        R2* of the liver.
    field_strength_t : float, tesla
        Field strength of that R2*.

    Returns
    -------
    float

    Notes
    -----
    0.15 ppm per mg iron in g of dry liver, a cautious value of this project. Iron from R2* at 1.5 T: -0.16 + 0.02603 R2*, R2*
    in proportion to the field.

    References
    ----------
    Hernando et al., Radiology 2023;306:e213256.
    """
    iron = max(0.02603 * r2star_per_s * 1.5 / field_strength_t - 0.16, 0.0)
    return 0.15 * iron
