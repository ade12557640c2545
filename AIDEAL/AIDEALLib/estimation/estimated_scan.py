"""A scan with its result: what the checks after an estimate look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import FatSpectrum
from .phase_correction.corrections import PhaseCorrections


@dataclass(frozen=True, eq=False)
class EstimatedScan:
    """A scan, its maps, and what they were estimated with.

    Attributes
    ----------
    series : EchoSeries
        The scan as loaded.
    maps : ParameterMaps
        Its maps.
    corrections : PhaseCorrections
        Corrections of the run.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    """

    series: EchoSeries
    maps: ParameterMaps
    corrections: PhaseCorrections
    spectrum: FatSpectrum

    def corrected(self, index: int) -> npt.NDArray[np.complex64]:
        """Corrected echoes (echo, row, column) of a slice."""
        return self.corrections.apply(self.series.echoes[:, index], index)
