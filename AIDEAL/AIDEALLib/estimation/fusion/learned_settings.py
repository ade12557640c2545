"""Learned settings stored with the networks: weights of the fusion and calibration of P(swap)."""

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
    """Weights and calibration in use.

    Attributes
    ----------
    fusion : FusionOptions
        Weights of the random field.
    calibration : SwapCalibration
        Calibration of P(swap).
    calibrated : bool
        Whether both were stored with the networks.
    """

    fusion: FusionOptions
    calibration: SwapCalibration
    calibrated: bool

    @classmethod
    def of(cls, settings: Mapping[str, Mapping[str, Any]]) -> LearnedSettings:
        """Settings stored with G_phi; the defaults where there are none.

        Parameters
        ----------
        settings : mapping
            Stored settings by `FUSION` and `SWAP_CALIBRATION`.

        Returns
        -------
        LearnedSettings
            Settings.

        Raises
        ------
        ModelError
            The settings contain names unknown to this version, or values that are not numbers.
        """
        fusion = FusionOptions.from_dict(settings.get(FUSION, {}))
        calibration = SwapCalibration.from_dict(settings.get(SWAP_CALIBRATION, {}))
        return cls(fusion, calibration, FUSION in settings and SWAP_CALIBRATION in settings)

    def as_settings(self) -> dict[str, dict[str, Any]]:
        """Settings in the form stored with G_phi and in the provenance of a result."""
        return {FUSION: self.fusion.as_dict(), SWAP_CALIBRATION: self.calibration.as_dict()}
