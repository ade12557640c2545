"""Real scans for the benchmark: one slice each, mended once for all methods."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from ..echoes import EchoSeries
from ..errors import InputError
from ..estimation.phase_correction.plan import plan_corrections
from ..io.load import load_series
from ..physics.spectrum import SIX_PEAK


@dataclass(frozen=True, eq=False)
class RealScan:
    """The middle slice of a scan, phase as the model's."""

    name: str
    series: EchoSeries

    @property
    def fingerprint(self) -> str:
        """Changes with the echoes."""
        return hashlib.sha256(self.series.echoes.tobytes()).hexdigest()


def real_scans(folder: Path) -> list[RealScan]:
    """Every scan in a folder, each a file or folder that `io.load.load_series` reads.

    Raises
    ------
    InputError
        When the folder holds no scan.
    """
    scans = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        try:
            series = load_series(path)
        except InputError:
            continue  # a note or a licence beside the scans
        corrections = plan_corrections(series, SIX_PEAK)
        middle = series.shape[0] // 2
        echoes = corrections.apply(series.echoes[:, middle], middle)[:, None]
        scans.append(RealScan(path.stem, replace(series, echoes=echoes)))
    if not scans:
        raise InputError(f"{folder} holds no scan that can be read; a folder of scans, one each, was expected.")
    return scans
