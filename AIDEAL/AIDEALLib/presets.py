"""What is scanned: livers, or phantoms on the table. Imports nothing."""

from __future__ import annotations

from enum import Enum

BODY_CELSIUS, ROOM_CELSIUS = 37.0, 22.0
WATER_PPM_PER_KELVIN = -0.0101
"""Temperature coefficient of water's chemical shift; fat's hardly moves (Hindman, J Chem Phys 1966;44:4582)."""


class Preset(str, Enum):
    """Sets what differs between a patient and a phantom."""

    LIVER = "liver"
    PHANTOM = "phantom"

    @property
    def ppm_offset(self) -> float:
        """Added to every fat shift from water (ppm): in a cold phantom water moves away from fat, by 0.15 ppm at 22 C."""
        return WATER_PPM_PER_KELVIN * (BODY_CELSIUS - ROOM_CELSIUS) if self is Preset.PHANTOM else 0.0

    @property
    def tissue(self) -> bool:
        """True where T1 of tissue, steatosis grades and advice meant for livers apply."""
        return self is Preset.LIVER
