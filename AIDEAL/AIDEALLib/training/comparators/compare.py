"""Lobe PDFF by the comparators and the estimate on new abdomens, as tables 2 and 3 of Meneses et al., Med Image Anal 2026."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...choices import Method
from ...echoes import EchoSeries
from ...estimation.estimate import estimate
from ...estimation.phase_correction.plan import NO_CORRECTIONS
from ...models import Networks
from ...options import RunOptions
from ...simulation.abdomen import FIELD_VIEW_MM, abdomen
from ...simulation.scan import PAPER, PROTOCOLS, Protocol, acquire
from .supervised import Comparator

TRAINED_ON, SHIFTED = PAPER, (PROTOCOLS[1], PROTOCOLS[5])
"""Protocol of the networks for one protocol, and two others of six echoes: 1.5 T, 1.4 + 3.08 n ms; 3 T, 1.2 + 1.0 n ms."""
LOBES = {1: "Right lobe", 2: "Left lobe"}
FIRST_PATIENT = 300
SLICES, SLICE_DISTANCE_MM = 4, 25.0

Pdff = Callable[[EchoSeries], npt.NDArray[np.float32]]
"""PDFF in percent (slice, row, column) of a scan."""


@dataclass(frozen=True)
class LobeError:
    """Error of the median PDFF of a lobe, over patients, in percentage points.

    Attributes
    ----------
    method : str
        Name of the method.
    protocol : str
        Name of the protocol.
    lobe : str
        Name of the lobe.
    patients : int
        Number of patients.
    bias : float
        Mean of (estimated median - true median).
    sd : float
        Standard deviation (n - 1) of (estimated median - true median).
    mean_absolute : float
        Mean of |estimated - true| over all voxels of the lobe.
    """

    method: str
    protocol: str
    lobe: str
    patients: int
    bias: float
    sd: float
    mean_absolute: float


def by_comparator(network: Comparator) -> Pdff:
    """PDFF of a comparator, slice by slice."""

    def pdff(series: EchoSeries) -> npt.NDArray[np.float32]:
        rows, columns = series.shape[1:]
        te = torch.from_numpy(series.te_s)
        found = []
        with torch.inference_mode():
            for index in range(series.shape[0]):
                echoes = torch.from_numpy(series.echoes[:, index])[None]
                padded = torch.view_as_real(echoes).movedim(-1, 0)
                padded = torch.nn.functional.pad(padded, [0, -columns % 8, 0, -rows % 8])
                outputs = network.logits(torch.complex(padded[0], padded[1]), te, series.field_strength_t)
                found.append(100 * network.pdff(outputs)[0, :rows, :columns])
        return torch.stack(found).numpy()

    return pdff


def by_estimate(networks: Networks, method: str) -> Pdff:
    """PDFF of the estimate of this project."""
    options = RunOptions(method=Method(method), device="cpu")
    return lambda series: estimate(series, options, corrections=NO_CORRECTIONS, networks=lambda _: networks).pdff


def compare(
    methods: Mapping[str, Pdff],
    patients: int = 10,
    matrix: int = 160,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[LobeError]:
    """Errors of every method under the protocol of training and the shifted ones, lobe by lobe.

    Parameters
    ----------
    methods : Mapping[str, Pdff]
        PDFF of a scan, by name of the method.
    patients : int
        Abdomens under each protocol, four slices through the liver of each.
    matrix : int
        Rows and columns.
    progress : callable, optional
        Called with (scans done, scans in all).

    Yields
    ------
    LobeError
    """
    protocols = (TRAINED_ON, *SHIFTED)
    for turn, protocol in enumerate(protocols):
        errors: dict[tuple[str, int], list[float]] = {(name, lobe): [] for name in methods for lobe in LOBES}
        absolute = {key: list[float]() for key in errors}
        for patient in range(patients):
            series, truth, labels = _scan(FIRST_PATIENT + patient, protocol, matrix)
            for name, pdff in methods.items():
                found = pdff(series)
                for lobe in LOBES:
                    inside = labels == lobe
                    errors[name, lobe].append(float(np.median(found[inside]) - np.median(truth[inside])))
                    absolute[name, lobe].append(float(np.abs(found[inside] - truth[inside]).mean()))
            if progress is not None:
                progress(turn * patients + patient + 1, len(protocols) * patients)
        for (name, lobe), values in errors.items():
            spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
            mean_absolute = float(np.mean(absolute[name, lobe]))
            yield LobeError(name, protocol.name, LOBES[lobe], len(values), float(np.mean(values)), spread, mean_absolute)


def _scan(seed: int, protocol: Protocol, matrix: int) -> tuple[EchoSeries, npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    pixel = FIELD_VIEW_MM / matrix
    spacing = (pixel, pixel, SLICE_DISTANCE_MM)
    tissue = abdomen(seed, protocol.field_strength_t, (SLICES, matrix, matrix), spacing, separate_dome=False)
    series = acquire(tissue, protocol, np.random.default_rng([seed, 9]))
    return series, tissue.pdff_percent, tissue.labels
