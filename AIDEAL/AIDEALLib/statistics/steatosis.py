"""Steatosis grades from PDFF. Research use only: cut-offs differ between studies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
        return f"S{sum(pdff_percent >= limit for limit in (self.grade_1, self.grade_2, self.grade_3))}"


TANG_2015 = SteatosisCutoffs("Tang 2015", 5.2, 11.3, 17.1)
"""Tang et al., Radiology 2015;274:416."""
TANG_2013 = SteatosisCutoffs("Tang 2013", 6.4, 17.4, 22.1)
"""Tang et al., Radiology 2013;267:422."""
CUTOFFS: dict[str, SteatosisCutoffs] = {cutoffs.name: cutoffs for cutoffs in (TANG_2015, TANG_2013)}
