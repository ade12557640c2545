"""What a run's provenance states about errors that voxels share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..choices import Method
from .noise_correlation import NoiseCorrelation
from .usability import Box, Usability


@dataclass(frozen=True, eq=False)
class ModelSpread:
    """How far published variants of the signal model move a fat fraction; a table over PDFF and R2*.

    Attributes
    ----------
    pdff : np.ndarray, shape (pdff,), percent
        Fat fractions, rising.
    r2star : np.ndarray, shape (r2star,), 1/s
        Decay rates, rising.
    low : np.ndarray, shape (pdff, r2star), percentage points
        Change to the lower end, not above 0.
    high : np.ndarray, shape (pdff, r2star), percentage points
        Change to the upper end, not below 0.
    """

    pdff: npt.NDArray[np.float64]
    r2star: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    def range_of(self, pdff: float, r2star: float) -> tuple[float, float]:
        """Range of a fat fraction (percent) at an R2* (1/s), bilinear in the table; NaN of NaN."""
        if not (math.isfinite(pdff) and math.isfinite(r2star)):
            return float("nan"), float("nan")
        return pdff + self._at(self.low, pdff, r2star), pdff + self._at(self.high, pdff, r2star)

    def _at(self, table: npt.NDArray[np.float64], pdff: float, r2star: float) -> float:
        of_r2star = [float(np.interp(r2star, self.r2star, row)) for row in table]
        return float(np.interp(pdff, self.pdff, of_r2star))


@dataclass(frozen=True, eq=False)
class RunErrors:
    """Errors that the voxels of a run share; None where the provenance does not state them.

    Attributes
    ----------
    noise_correlation : NoiseCorrelation or None
        Correlation of the noise of neighbours; without it regions have no interval.
    model : ModelSpread or None
        What the signal model leaves open.
    usability : Usability
        Which regions have no number.
    from_magnitudes : bool
        The estimate has two solutions, of which the likelier one is reported.
    """

    noise_correlation: NoiseCorrelation | None = None
    model: ModelSpread | None = None
    usability: Usability = field(default_factory=Usability)
    from_magnitudes: bool = False

    def within(self, box: Box, shape: tuple[int, ...]) -> RunErrors:
        """The same for maps cropped to a box of those of the scan, whose shape is given."""
        return replace(self, usability=self.usability.within(box, shape))

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> RunErrors:
        """Errors from a provenance as plain types; runs of version 0.1 state none."""
        table, spread = provenance.get("noise_correlation"), provenance.get("model_spread")
        names = ("pdff", "r2star", "low", "high")
        return cls(
            NoiseCorrelation.of(table) if table else None,
            ModelSpread(*(np.asarray(spread[name], dtype=np.float64) for name in names)) if spread else None,
            Usability.of(provenance),
            provenance.get("method") == Method.MAGNITUDE.value,
        )
