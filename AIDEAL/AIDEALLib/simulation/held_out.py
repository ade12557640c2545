"""The held-out evaluation: every protocol on a patient of its own, none of it ever seen in training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..echoes import EchoSeries
from .abdomen import abdomen
from .scan import PROTOCOLS, Protocol, acquire
from .tissue import TissueMaps


@dataclass(frozen=True, eq=False)
class HeldOutCase:
    """One protocol, the scan taken with it and the truth on the scan's voxels."""

    protocol: Protocol
    series: EchoSeries
    truth: TissueMaps


def held_out_cases(
    seed: int = 100,
    matrix: tuple[int, int, int] = (12, 192, 192),
    protocols: tuple[Protocol, ...] = PROTOCOLS,
    oversampling: int = 1,
) -> Iterator[HeldOutCase]:
    """Scans of abdomens under each protocol, one at a time; patient `seed` + number of the protocol.

    `oversampling` 2 mixes tissues at edges as a scan does (`acquire`); 1 keeps every voxel one tissue, so that the truth
    of PDFF is exact everywhere.
    """
    slices, rows, columns = matrix
    for number, protocol in enumerate(protocols):
        tissue = abdomen(
            seed + number,
            protocol.field_strength_t,
            (slices, rows * oversampling, columns * oversampling),
            iron_r2star=protocol.liver_r2star_per_s,
        )
        series = acquire(tissue, protocol, np.random.default_rng([seed, number]), oversampling=oversampling)
        yield HeldOutCase(protocol, series, tissue.coarsened(oversampling))
