"""Joint estimates of regions, made in the background and kept until their maps change."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...statistics import JointFit
from ...worker.background import BackgroundTask
from ...worker.joint_task import StoredFit, read_fits, write_request
from ..nodes import MapNodes
from ..regions.map_arrays import BoolArray, Box
from ..scan.sources import scan_of_maps
from .documents import parameter_maps

_Key = tuple[tuple[tuple[int, int], ...], bytes]


@dataclass(frozen=True, eq=False)
class _Wanted:
    """A region that was measured without its joint estimate: voxels inside a box of the grid."""

    key: _Key
    box: Box
    used: BoolArray


class JointEstimates:
    """Answers statistics with joint estimates that are there, and has those made that are not.

    Parameters
    ----------
    start : callable
        Starts a task: takes how to write what it needs, and how to read its result; `BackgroundTask` unless a test brings one.
    """

    def __init__(self, start: Callable[..., Any] = BackgroundTask) -> None:
        self.start = start
        self._of: tuple[str, int] = ("", 0)
        self._found: dict[_Key, StoredFit | None] = {}
        self._wanted: dict[_Key, _Wanted] = {}
        self._task: Any = None

    @property
    def under_way(self) -> bool:
        """Whether regions are being estimated."""
        return self._task is not None

    def lookup(self, maps: MapNodes) -> Callable[[BoolArray, Box], JointFit | None]:
        """Function for `measure`: the joint estimate of voxels in a box, None where it is not there (yet)."""
        current = (maps.pdff.GetID(), maps.pdff.GetImageData().GetMTime())
        if current != self._of:
            self.clear()
            self._of = current
        self._wanted = {}

        def joint(used: BoolArray, box: Box) -> JointFit | None:
            key = tuple((part.start, part.stop) for part in box), np.packbits(used).tobytes()
            if key not in self._found:
                self._wanted[key] = _Wanted(key, box, used.copy())
            return self._found.get(key)

        return joint

    def begin(self, maps: MapNodes) -> bool:
        """Have the estimates made that the last measurement lacked; returns whether any are being made.

        Raises
        ------
        InputError
            The scan or the maps are not in the scene any more.
        """
        if self._task is not None or not self._wanted:
            return self._task is not None
        series, whole, wanted = scan_of_maps(maps).series(), parameter_maps(maps), list(self._wanted.values())
        whole = deepcopy(whole)  # the scene may go while a thread writes
        regions = []
        for region in wanted:
            voxels = np.zeros(whole.mask.shape, np.bool_)
            voxels[region.box] = region.used
            regions.append(voxels)
        of = self._of

        def read(folder: Any) -> tuple[Any, dict[_Key, StoredFit | None]]:
            fits = read_fits(folder, regions)
            cropped = (None if fit is None else replace(fit, region=one.used) for one, fit in zip(wanted, fits, strict=True))
            return of, {one.key: fit for one, fit in zip(wanted, cropped, strict=True)}

        self._task = self.start("joint", lambda folder: write_request(folder, series, whole, regions), read)
        return True

    def poll(self) -> bool:
        """Take in estimates that are ready; returns whether there are any.

        Raises
        ------
        AidealError
            They could not be made.
        """
        if self._task is None or not self._task.ended:
            return False
        task, self._task = self._task, None
        of, found = task.result()
        if of != self._of:
            return False
        self._found |= found
        return True

    def clear(self) -> None:
        """Forget all estimates, and stop making them."""
        if self._task is not None:
            self._task.cancel()
        self._task = None
        self._found, self._wanted, self._of = {}, {}, ("", 0)
