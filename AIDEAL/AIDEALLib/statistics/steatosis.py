"""Steatosis grades from PDFF. Research use only: cut-offs differ between studies."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .interval import Interval


@dataclass(frozen=True)
class SteatosisCutoffs:
    """PDFF from which the steatosis grades begin.

    Attributes
    ----------
    name : str
        Study the cut-offs come from.
    grade_1 : float
        PDFF in percent from which grade 1 begins.
    grade_2 : float
        The same of grade 2.
    grade_3 : float
        The same of grade 3.
    """

    name: str
    grade_1: float
    grade_2: float
    grade_3: float

    def grade(self, pdff_percent: float) -> str:
        """Grade S0 to S3 of a liver with this PDFF, '' for NaN."""
        if not np.isfinite(pdff_percent):
            return ""
        return f"S{sum(pdff_percent >= limit for limit in self._limits)}"

    def chances(self, interval: Interval) -> tuple[float, float, float, float]:
        """Probabilities of S0 to S3 of a liver whose PDFF is known this well, summing to 1; NaN where unknown."""
        below = [0.0, *(interval.below(limit) for limit in self._limits), 1.0]
        s0, s1, s2, s3 = (high - low for low, high in pairwise(below))
        return s0, s1, s2, s3

    @property
    def _limits(self) -> tuple[float, float, float]:
        return self.grade_1, self.grade_2, self.grade_3


TANG_2015 = SteatosisCutoffs("Tang 2015", 5.2, 11.3, 17.1)
"""Tang et al., Radiology 2015;274:416."""
TANG_2013 = SteatosisCutoffs("Tang 2013", 6.4, 17.4, 22.1)
"""Tang et al., Radiology 2013;267:422."""
CUTOFFS: dict[str, SteatosisCutoffs] = {cutoffs.name: cutoffs for cutoffs in (TANG_2015, TANG_2013)}
