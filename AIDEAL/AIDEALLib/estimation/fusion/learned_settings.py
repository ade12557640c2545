"""The learned numbers beside the networks: weights of the fusion and the calibration of P(swap)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .swap_calibration import SwapCalibration
from .weights import FusionOptions

FUSION, SWAP_CALIBRATION = "fusion", "swap_calibration"
UNCALIBRATED = "These networks carry no learned fusion: default weights were used, and the swap probability is not calibrated."


@dataclass(frozen=True)
class LearnedSettings:
    """Weights and calibration in use, and whether the networks brought them."""

    fusion: FusionOptions
    calibration: SwapCalibration
    calibrated: bool

    @classmethod
    def of(cls, settings: Mapping[str, Mapping[str, Any]]) -> LearnedSettings:
        """From the settings stored with G_phi; the defaults where there are none.

        Raises
        ------
        ModelError
            The settings hold names this version does not know, or values that are no numbers.
        """
        fusion = FusionOptions.from_dict(settings.get(FUSION, {}))
        calibration = SwapCalibration.from_dict(settings.get(SWAP_CALIBRATION, {}))
        return cls(fusion, calibration, FUSION in settings and SWAP_CALIBRATION in settings)

    def as_settings(self) -> dict[str, dict[str, Any]]:
        """For storing with G_phi, and for the provenance of a result."""
        return {FUSION: self.fusion.as_dict(), SWAP_CALIBRATION: self.calibration.as_dict()}
