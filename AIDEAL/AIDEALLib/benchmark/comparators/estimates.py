"""Estimates of scans, kept on disk so that an interrupted comparison continues where it stopped."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...validation.files import written_whole
from .scans import TrueScan
from .system import Estimated, System

ARRAYS = ("pdff", "score", "sd")


@dataclass(frozen=True)
class Estimates:
    """Estimates by system and scan.

    Attributes
    ----------
    folder : Path
        Folder of the finished estimates.
    seconds : dict of str to list of float
        Processor time per slice by system; that of a stored estimate is that of its run.
    """

    folder: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def estimate(self, system: System, scan: TrueScan) -> Estimated:
        """Estimate a scan, or read what is stored.

        Parameters
        ----------
        system : System
            A system that can be run on it.
        scan : TrueScan
            The scan.

        Returns
        -------
        Estimated
            Values over the tissue of the scan, 0 elsewhere.
        """
        assert system.estimate is not None
        key = "|".join((system.name, system.version, scan.fingerprint))
        file = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
        if not file.is_file():
            start = time.process_time()
            found = system.estimate(scan.series)
            seconds = (time.process_time() - start) / scan.series.shape[0]
            arrays = {name: getattr(found, name) for name in ARRAYS if getattr(found, name) is not None}
            kept: dict[str, Any] = {name: np.asarray(values[scan.tissue], np.float32) for name, values in arrays.items()}
            with written_whole(file) as partial, partial.open("wb") as stream:
                np.savez_compressed(stream, **kept | {"seconds": seconds})
        with np.load(file, allow_pickle=False) as stored:
            self.seconds.setdefault(system.name, []).append(float(stored["seconds"]))
            return Estimated(**{name: _placed(stored[name], scan) for name in ARRAYS if name in stored.files})

    def median_seconds(self, name: str) -> float:
        """Median processor time per slice, s; NaN where the system was not run."""
        return float(np.median(self.seconds.get(name, [np.nan])))


def _placed(values: np.ndarray, scan: TrueScan) -> np.ndarray:
    out = np.zeros(scan.tissue.shape, np.float32)
    out[scan.tissue] = values
    return out
