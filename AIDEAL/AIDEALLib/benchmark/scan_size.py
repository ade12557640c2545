"""Simulated scan of a given size, to time a run on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..echoes import EchoSeries
from ..simulation.abdomen import abdomen
from ..simulation.protocol import Protocol, echo_times
from ..simulation.scan import acquire

DISTINCT_SLICES = 6
"""Further slices are copies: time and memory do not depend on their content."""
PATIENT = 3


@dataclass(frozen=True)
class ScanSize:
    """Size of a scan.

    Attributes
    ----------
    matrix : int
        Rows and columns.
    slices : int
        Number of slices.
    echoes : int
        Number of echoes.
    """

    matrix: int
    slices: int
    echoes: int

    def __str__(self) -> str:
        return f"{self.slices} x {self.matrix} x {self.matrix} x {self.echoes}"

    @property
    def samples(self) -> int:
        """Complex samples of the scan."""
        return self.matrix**2 * self.slices * self.echoes

    def series(self) -> EchoSeries:
        """Simulate an upper abdomen at 1.5 T."""
        tissue = abdomen(PATIENT, 1.5, (DISTINCT_SLICES, self.matrix, self.matrix))
        protocol = Protocol(f"1.5T {self.echoes} echoes 1.3+2.1n", echo_times(1.3, 2.1, self.echoes), 1.5, snr=30.0)
        series = acquire(tissue, protocol, np.random.default_rng(PATIENT))
        return replace(series, echoes=series.echoes[:, np.arange(self.slices) % DISTINCT_SLICES])
