"""Methods of the benchmark whose process ends by a signal."""

from __future__ import annotations

import os
import signal

from AIDEALLib.benchmark.voxelwise import Voxelwise
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps

WARM_UP_COLUMNS = 32


def end_process(by: signal.Signals) -> None:
    os.kill(os.getpid(), by)


class EndsAtStart(Voxelwise):
    """Ends while the method is prepared."""

    def __init__(self) -> None:
        end_process(signal.SIGKILL)


class IllegalInstruction(Voxelwise):
    """Ends in the warm-up, as a library with instructions that the processor lacks does."""

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        end_process(signal.SIGILL)
        return super().estimate(series)


class EndsInRun(Voxelwise):
    """Survives the warm-up and ends on the first scan."""

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        if series.shape[2] > WARM_UP_COLUMNS:
            end_process(signal.SIGKILL)
        return super().estimate(series)


class Raises(Voxelwise):
    """Raises an error on the first scan."""

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        if series.shape[2] > WARM_UP_COLUMNS:
            raise ValueError("no estimate")
        return super().estimate(series)
