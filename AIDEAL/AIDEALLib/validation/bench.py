"""Estimates of cases, kept on disk so that an interrupted validation continues where it stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..models import Networks
from ..progress import Monitor
from .cases import Case, estimate_case
from .files import written_whole
from .fingerprint import code_fingerprint
from .voxels import Voxels

SIMULATION = ("simulation", "validation/cases.py", "validation/voxels.py", "validation/region_patients.py", "statistics")
"""Modules that the voxels of a case depend on besides the estimate."""


def fingerprint(networks: Networks, device: str) -> str:
    """SHA-256 of the networks, the kind of device and the code that simulates and estimates."""
    digest = hashlib.sha256(json.dumps([networks.checksums, device.partition(":")[0]]).encode())
    digest.update(code_fingerprint(*SIMULATION).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Bench:
    """Estimates of cases.

    Attributes
    ----------
    folder : Path
        Folder of finished cases, named by their `fingerprint`.
    networks : Networks
        Networks on the device.
    device : str
        Computing device.
    progress : callable
        Called with a sentence and the number of slices finished since the last call.
    cancel : callable
        Called between slices; when it returns True, the run raises `Cancelled`.
    """

    folder: Path
    networks: Networks
    device: str
    progress: Callable[[str, int], None]
    cancel: Callable[[], bool]

    def prepare(self, cases: Iterable[Case]) -> None:
        """Estimate every case that is not stored.

        Parameters
        ----------
        cases : iterable of Case
            Cases, in the order of the estimate.

        Raises
        ------
        Cancelled
            On request; finished cases stay.
        """
        for case in cases:
            if self._path(case).exists():
                self.progress(_title(case), case.slices)
            else:
                _save(self._estimate(case), self._path(case))

    def voxels(self, case: Case) -> Voxels:
        """Voxels of a case, estimated if they are not stored."""
        path = self._path(case)
        if not path.exists():
            _save(self._estimate(case), path)
        try:
            return _load(path)
        except (zipfile.BadZipFile, KeyError, ValueError, EOFError):  # damaged, or written by another version
            path.unlink()
            _save(self._estimate(case), path)
            return _load(path)

    def remove_outdated(self) -> None:
        """Remove cases of other fingerprints, in the folders beside this one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for other in self.folder.parent.iterdir():
            if other.is_dir() and other != self.folder:
                shutil.rmtree(other)

    def _path(self, case: Case) -> Path:
        key = hashlib.sha256(repr(case).encode()).hexdigest()[:24]
        return self.folder / f"{key}.npz"

    def _estimate(self, case: Case) -> Voxels:
        finished = 0

        def step(done: int, total: int) -> None:
            nonlocal finished
            self.progress(_title(case), done - finished)
            finished = done

        return estimate_case(case, self.networks, self.device, Monitor(slices=step, cancelled=self.cancel))


def _title(case: Case) -> str:
    return f"{case.protocol.name}, {case.method}"


def _save(voxels: Voxels, path: Path) -> None:
    plain = {name: getattr(voxels, name) for name in ("shape", "label_names", "method", "left_out")}
    with written_whole(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, plain=json.dumps(plain), **voxels.arrays())


def _load(path: Path) -> Voxels:
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        plain = json.loads(str(stored["plain"]))
        arrays = {name: stored[name] for name in stored.files if name != "plain"}
    plain["shape"] = tuple(plain["shape"])
    plain["label_names"] = {int(number): name for number, name in plain["label_names"].items()}
    return Voxels(**arrays, **plain)
