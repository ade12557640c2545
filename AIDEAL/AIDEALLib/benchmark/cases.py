"""What is scanned for the benchmark: abdomens of known truth, one a protocol, and how many."""

from __future__ import annotations

from dataclasses import dataclass

from ..simulation.protocol import PROTOCOLS, Protocol, echo_times
from ..validation.cases import Abdomen, Case

MORE_PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("0.35T 8 echoes 3.0+3.5n, noisy", echo_times(3.0, 3.5, 8), 0.35, snr=15.0),
    Protocol("1.5T 16 echoes 1.1+0.95n", echo_times(1.1, 0.95, 16), 1.5, snr=25.0),
)
"""What the held-out protocols lack: low field, and many close echoes."""
SLICE_MM = 20.0
SLICES = 3
"""From the middle of the liver through its dome to heart and lung."""


@dataclass(frozen=True)
class Plan:
    """What is run.

    Attributes
    ----------
    protocols : one patient each. seed : of the first patient. matrix : rows and columns.
    repeats : timed runs of a quick method (a slow one is run once). threads : of every method alike.
    """

    protocols: tuple[Protocol, ...] = PROTOCOLS + MORE_PROTOCOLS
    seed: int = 300
    matrix: int = 128
    repeats: int = 3
    threads: int = 2

    def cases(self) -> list[Case]:
        """One case a protocol, patient `seed` + number of the protocol."""
        shape = (SLICES, self.matrix, self.matrix)
        return [
            Case(Abdomen(self.seed + number, shape, SLICE_MM), protocol, (self.seed, number))
            for number, protocol in enumerate(self.protocols)
        ]


def quick_plan(seed: int, threads: int) -> Plan:
    """Two protocols on few pixels: to see that everything runs."""
    return Plan((PROTOCOLS[0], PROTOCOLS[5]), seed, matrix=64, repeats=1, threads=threads)
