"""Scans of the benchmark: simulated abdomens under every protocol."""

from __future__ import annotations

from dataclasses import dataclass

from ..simulation.protocol import PROTOCOLS, Protocol, echo_times
from ..validation.cases import Abdomen, Case

MORE_PROTOCOLS: tuple[Protocol, ...] = (
    Protocol("0.35T 8 echoes 3.0+3.5n, noisy", echo_times(3.0, 3.5, 8), 0.35, snr=15.0),
    Protocol("1.5T 16 echoes 1.1+0.95n", echo_times(1.1, 0.95, 16), 1.5, snr=25.0),
)
"""Low field, and many closely spaced echoes, which the held-out protocols lack."""
SLICE_MM = 20.0
SLICES = 4
"""From the lower liver through its dome to heart and lung."""
SEED_STEP = 100
"""Difference of the seeds of successive patients of one protocol."""


@dataclass(frozen=True)
class Plan:
    """Scans and repetitions of the benchmark.

    Attributes
    ----------
    protocols : tuple of Protocol
        Acquisitions.
    patients : int
        Patients per protocol; each is scanned once.
    seed : int
        Seed of the first patient.
    matrix : int
        Rows and columns.
    repeats : int
        Timed runs of a fast method; a slow one is run once.
    threads : int
        Number of threads of every method.
    """

    protocols: tuple[Protocol, ...] = PROTOCOLS + MORE_PROTOCOLS
    patients: int = 2
    seed: int = 300
    matrix: int = 128
    repeats: int = 3
    threads: int = 2

    def sentence(self) -> str:
        """Describe the scans and the number of threads."""
        patients = "1 simulated patient" if self.patients == 1 else f"{self.patients} simulated patients"
        scans = f"{len(self.protocols)} protocols, {patients} each, {SLICES} slices of {self.matrix}x{self.matrix}"
        return f"{scans}, seed {self.seed}; {self.threads} threads for every method"

    def cases(self) -> list[Case]:
        """Scans in the order of the protocols."""
        shape = (SLICES, self.matrix, self.matrix)
        seeds = [[self.seed + number + SEED_STEP * k for k in range(self.patients)] for number in range(len(self.protocols))]
        return [
            Case(Abdomen(seed, shape, SLICE_MM), protocol, (seed,))
            for protocol, patients in zip(self.protocols, seeds, strict=True)
            for seed in patients
        ]


def quick_plan(seed: int, threads: int) -> Plan:
    """Two protocols on a small matrix, to check that everything runs."""
    return Plan((PROTOCOLS[0], PROTOCOLS[5]), 1, seed, matrix=64, repeats=1, threads=threads)
