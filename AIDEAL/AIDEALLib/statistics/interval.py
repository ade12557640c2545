"""A value with its standard error, and the intervals that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

TWO_SIDED_95 = 1.959963984540054
"""Half-width of the central 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Interval:
    """A value with its standard error; NaN where unknown.

    Attributes
    ----------
    value : float
        Estimate.
    error : float
        Its standard error.
    """

    value: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - TWO_SIDED_95 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + TWO_SIDED_95 * self.error

    def below(self, limit: float) -> float:
        """Probability that the truth lies below a limit: the normal distribution function."""
        if not (self.error > 0 and math.isfinite(self.value)):
            return float(self.value < limit) if self.error == 0 else float("nan")
        return 0.5 * math.erfc((self.value - limit) / (self.error * math.sqrt(2)))


def interval_text(value: float, low: float, high: float, unit: str = "") -> str:
    """Value with its interval as text.

    Parameters
    ----------
    value : float
        Value.
    low : float
        Lower end.
    high : float
        Upper end.
    unit : str
        Unit behind the value.

    Returns
    -------
    str
        As `12.1 % (11.8 to 12.4)`; the value alone where the interval is unknown, a dash without a value.
    """
    if not math.isfinite(value):
        return "-"
    number = f"{value:.1f} {unit}".strip()
    return f"{number} ({low:.1f} to {high:.1f})" if math.isfinite(low) and math.isfinite(high) else number
