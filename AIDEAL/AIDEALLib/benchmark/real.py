"""Real scans for the benchmark: one slice each, phase errors corrected once for all methods."""

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
    """The middle slice of a scan.

    Attributes
    ----------
    name : str
        Name of the file or folder.
    series : EchoSeries
        The slice, with the rotation sense of the model and phase errors corrected.
    """

    name: str
    series: EchoSeries

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the echoes."""
        return hashlib.sha256(self.series.echoes.tobytes()).hexdigest()


def real_scans(folder: Path) -> list[RealScan]:
    """Load every scan in a folder.

    Parameters
    ----------
    folder : Path
        Folder of scans, each a file or folder that `io.load.load_series` reads; other files are passed over.

    Returns
    -------
    list of RealScan
        Scans in the order of their names.

    Raises
    ------
    InputError
        The folder holds no scan.
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
