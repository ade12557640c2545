"""The held-out evaluation: each protocol on a patient of its own; no network was trained on these patients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..echoes import EchoSeries
from .scan import PROTOCOLS, Protocol, acquire, snr_map
from .scenes import PLAIN, Scene
from .tissue import FloatMap, TissueMaps


@dataclass(frozen=True, eq=False)
class HeldOutCase:
    """A simulated scan with its truth.

    Attributes
    ----------
    protocol : Protocol
        Protocol of the scan.
    series : EchoSeries
        The scan.
    truth : TissueMaps
        Truth on the voxels of the scan.
    snr : np.ndarray, shape (slice, row, column), float32
        Signal-to-noise ratio at t = 0, see `snr_map`.
    """

    protocol: Protocol
    series: EchoSeries
    truth: TissueMaps
    snr: FloatMap


def held_out_case(
    patient: int,
    protocol: Protocol,
    noise: tuple[int, ...],
    matrix: tuple[int, int, int] = (12, 192, 192),
    slice_mm: float = 10.0,
    scene: Scene = PLAIN,
) -> HeldOutCase:
    """One scan of an abdomen.

    Parameters
    ----------
    patient : int
        Seed of the anatomy.
    protocol : Protocol
        Protocol, before the odd/even phase of the scene.
    noise : tuple of int
        Seed of the coil and the noise.
    matrix : tuple of int
        Voxels of the scan along (slice, row, column).
    slice_mm : float
        Distance of slices.
    scene : Scene
        Difficulties of the scan.

    Returns
    -------
    HeldOutCase
    """
    tissue = scene.patient(patient, protocol.field_strength_t, matrix, slice_mm, protocol.liver_r2star_per_s)
    disturbed = scene.protocol(protocol)
    series = acquire(tissue, disturbed, np.random.default_rng(noise), scene.artefacts)
    snr = snr_map(tissue, disturbed, np.random.default_rng(noise), artefacts=scene.artefacts)
    truth = tissue.coarsened(scene.artefacts.oversampling, scene.artefacts.layers)
    return HeldOutCase(disturbed, series, truth, snr)


def held_out_cases(
    seed: int = 100,
    matrix: tuple[int, int, int] = (12, 192, 192),
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    scene: Scene = PLAIN,
) -> Iterator[HeldOutCase]:
    """Scans of abdomens under each protocol, one at a time.

    Parameters
    ----------
    seed : int
        Patient of the first protocol; each further protocol takes the next patient.
    matrix : tuple of int
        Voxels of the scans along (slice, row, column).
    protocols : tuple of Protocol
        Protocols.
    scene : Scene
        Difficulties of the scans.

    Yields
    ------
    HeldOutCase
    """
    for number, protocol in enumerate(protocols):
        yield held_out_case(seed + number, protocol, (seed, number), matrix, scene=scene)
