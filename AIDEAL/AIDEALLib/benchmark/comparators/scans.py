"""Scans of known truth: the domain of the comparators' training, phantoms, and shifts out of the domain."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries
from ...physics.spectrum import SIX_PEAK, FatSpectrum
from ...simulation.abdomen import FIELD_VIEW_MM, abdomen
from ...simulation.artefacts import Artefacts
from ...simulation.held_out import held_out_case
from ...simulation.phantom import phantom
from ...simulation.protocol import PAPER, PROTOCOLS, Protocol, echo_times
from ...simulation.scan import acquire
from ...simulation.scenes import PLAIN, Scene
from ...simulation.tissue import TissueMaps
from ..plain_maps import foreground_mask

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]

LOBES = ("Right lobe", "Left lobe")
SHIFT_SEED = 200
"""Difference of the seeds of the patients of successive shifts from those of the tables."""
ROOM_TEMPERATURE_PPM = -0.15
"""Shift of fat at 22 C relative to 37 C: water moves by -0.01 ppm/K."""
ROOM_TEMPERATURE = FatSpectrum("22 C", tuple(p + ROOM_TEMPERATURE_PPM for p in SIX_PEAK.ppm), SIX_PEAK.amplitudes)
ECHO_TIME_SHIFTS = (
    Protocol("1.5T 6 echoes 1.2+2.0n", echo_times(1.2, 2.0, 6), 1.5),
    Protocol("1.5T 6 echoes 1.0+1.6n", echo_times(1.0, 1.6, 6), 1.5),
    PROTOCOLS[1],
)
FIELD_STRENGTH_SHIFT = PROTOCOLS[5]


@dataclass(frozen=True, eq=False)
class TrueScan:
    """A scan with its truth.

    Attributes
    ----------
    series : EchoSeries
        The scan.
    pdff : numpy.ndarray, shape (slice, row, column), percent
        True PDFF.
    tissue : numpy.ndarray, shape (slice, row, column), bool
        Voxels that count: tissue with signal.
    segments : dict of str to numpy.ndarray
        Named parts of it, bool (slice, row, column).
    """

    series: EchoSeries
    pdff: Floats
    tissue: Bools
    segments: dict[str, Bools]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of echoes, echo times, geometry and the voxels that count."""
        facts = f"{self.series.te_s.tolist()} {self.series.field_strength_t} {self.series.geometry}"
        digest = hashlib.sha256(facts.encode())
        digest.update(np.ascontiguousarray(self.series.echoes).tobytes())
        digest.update(np.packbits(self.tissue).tobytes())
        return digest.hexdigest()

    @classmethod
    def of(cls, series: EchoSeries, truth: TissueMaps) -> TrueScan:
        """Scan of a tissue model."""
        tissue = truth.body & foreground_mask(series)
        segments = {name: tissue & (truth.labels == number) for number, name in truth.label_names.items()}
        return cls(series, truth.pdff_percent, tissue, segments)


@dataclass(frozen=True)
class Shift:
    """A domain: what differs from the training of the comparators.

    Attributes
    ----------
    name : str
        Short name.
    protocol : Protocol
        Acquisition.
    scene : Scene
        Difficulties of the scan.
    dome : bool
        Slices of the dome instead of the whole liver.
    """

    name: str
    protocol: Protocol = PAPER
    scene: Scene = PLAIN
    dome: bool = False

    def scan(self, seed: int, matrix: int, slices: int) -> TrueScan:
        """Simulate a patient.

        Parameters
        ----------
        seed : int
            Patient and noise.
        matrix : int
            Rows and columns.
        slices : int
            Number of slices.

        Returns
        -------
        TrueScan
        """
        distance = 8.0 if self.dome else 20.0
        case = held_out_case(seed, self.protocol, (seed, 9), (slices, matrix, matrix), distance, self.scene)
        return TrueScan.of(case.series, case.truth)


IN_DISTRIBUTION = Shift("in distribution")
SHIFTS = (
    Shift("protocol", PROTOCOLS[1]),
    Shift("anatomy (arms)", scene=Scene("arms", arms=True)),
    Shift("dome", dome=True),
    Shift("motion", scene=Scene("motion", artefacts=Artefacts(motion_mm=4.0))),
    Shift("odd/even phase", scene=Scene("odd/even", bipolar_phase_rad=0.15, bipolar_slope_rad=0.2, corrections="no")),
    Shift("steep field", scene=Scene("steep", slope_hz=900.0)),
    Shift("iron", replace(PAPER, liver_r2star_per_s=400.0)),
    Shift("noise", replace(PAPER, snr=8.0)),
    Shift("ringing", scene=Scene("ringing", artefacts=Artefacts(oversampling=2))),
)


def patients(number: int, seed: int, matrix: int, protocol: Protocol, slices: int = 3) -> Iterator[TrueScan]:
    """Abdomens of the tables: slices 30 mm apart, the dome part of its lobe, the last above the liver.

    Parameters
    ----------
    number : int
        Number of patients.
    seed : int
        Seed of the first.
    matrix : int
        Rows and columns.
    protocol : Protocol
        Acquisition.
    slices : int
        Number of slices.

    Yields
    ------
    TrueScan
    """
    pixel = FIELD_VIEW_MM / matrix
    for patient in range(seed, seed + number):
        tissue = abdomen(
            patient, protocol.field_strength_t, (slices, matrix, matrix), (pixel, pixel, 30.0), separate_dome=False
        )  # fmt: skip
        yield TrueScan.of(acquire(tissue, protocol, np.random.default_rng([patient, 9])), tissue)


def vials(table: str, snr: float, seed: int, matrix: int, spectrum: FatSpectrum = SIX_PEAK) -> TrueScan:
    """A vial phantom under the protocol of the paper.

    Parameters
    ----------
    table : str
        Table of the vials.
    snr : float
        Signal-to-noise ratio.
    seed : int
        Seed of the noise.
    matrix : int
        Rows and columns.
    spectrum : FatSpectrum
        Fat of the phantom.

    Returns
    -------
    TrueScan
    """
    truth = phantom(table, PAPER.field_strength_t, (1, matrix, matrix), 288 / matrix)
    protocol = replace(PAPER, snr=snr)
    series = acquire(truth, protocol, np.random.default_rng([seed, 11]), spectrum=spectrum, coil_phase=False)
    return TrueScan.of(series, truth)
