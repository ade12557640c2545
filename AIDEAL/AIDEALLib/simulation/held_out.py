"""The held-out evaluation: every protocol on a patient of its own, none of it ever seen in training."""

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
    """One protocol, the scan taken with it, the truth on the scan's voxels and their signal-to-noise ratio at t = 0."""

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
    patient : seed of the anatomy. noise : seed of the coil and the noise.
    matrix : voxels of the scan along (slice, row, column), `slice_mm` apart.
    scene : what makes it harder.
    """
    tissue = scene.patient(patient, protocol.field_strength_t, matrix, slice_mm, protocol.liver_r2star_per_s)
    taken = scene.protocol(protocol)
    series = acquire(
        tissue,
        taken,
        np.random.default_rng(noise),
        oversampling=scene.oversampling,
        ghost=scene.ghost,
        motion_mm=scene.motion_mm,
    )
    snr = snr_map(tissue, taken, np.random.default_rng(noise), oversampling=scene.oversampling)
    return HeldOutCase(taken, series, tissue.coarsened(scene.oversampling), snr)


def held_out_cases(
    seed: int = 100,
    matrix: tuple[int, int, int] = (12, 192, 192),
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    scene: Scene = PLAIN,
) -> Iterator[HeldOutCase]:
    """Scans of abdomens under each protocol, one at a time; patient `seed` + number of the protocol."""
    for number, protocol in enumerate(protocols):
        yield held_out_case(seed + number, protocol, (seed, number), matrix, scene=scene)
