"""A system that is compared: PDFF of a scan, with the uncertainty that it states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Estimated:
    """Result of a system; arrays are (slice, row, column).

    Attributes
    ----------
    pdff : numpy.ndarray, percent
        PDFF.
    score : numpy.ndarray, optional
        Any measure that is high where the system is unsure.
    sd : numpy.ndarray, points, optional
        Standard deviation of PDFF, for systems that state one.
    """

    pdff: Floats
    score: Floats | None = None
    sd: Floats | None = None


@dataclass(frozen=True)
class System:
    """A system, or the reason why it cannot be run.

    Attributes
    ----------
    name : str
        Name in tables.
    estimate : callable, optional
        Estimates a scan; None where it cannot be run.
    uncertainty : str
        What the uncertainty is; empty where none is stated.
    reason : str
        Why it cannot be run.
    echoes : int
        Number of echoes that it requires; 0 for any.
    version : str
        Changes when the estimates may change; stored ones of another version are not used.
    own_pdff : bool
        False where PDFF is that of another system, so that only the uncertainty is compared.
    """

    name: str
    estimate: Callable[[EchoSeries], Estimated] | None = None
    uncertainty: str = ""
    reason: str = ""
    echoes: int = 0
    version: str = ""
    own_pdff: bool = True

    @property
    def title(self) -> str:
        """Name, with the reason where it cannot be run."""
        return f"{self.name} ({self.reason})" if self.reason else self.name

    def refusal(self, n_echoes: int) -> str:
        """Why it cannot estimate a scan of so many echoes; empty where it can."""
        if self.estimate is None:
            return self.reason
        return f"needs {self.echoes} echoes" if self.echoes and self.echoes != n_echoes else ""
