"""The phase between odd and even echoes of a scan: one for all slices where that fits them, else slice by slice.

Slices differ where the read-out's delay does (interleaved or angled packages); opposite phases of two slices even cancel each
other in what is found for all of them together, so the slices are asked one by one as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...echoes import EchoSeries, Readout
from ...physics.spectrum import FatSpectrum
from .phase_errors import Pattern, PhaseError, find_phase_error

SLICE_BY_SLICE_GAIN = 1.2
"""Correcting slices one by one must lower their residual by this much against one correction, or none, for all."""
VOXELS_A_SLICE = 300


@dataclass(frozen=True)
class OddEven:
    """What was found in a few slices.

    Attributes
    ----------
    found : best for all of them together, None where nothing can be told; `whole`: it is to be corrected.
    of_slices : best of each, where one for all does not do; () otherwise.
    """

    found: PhaseError | None
    whole: bool
    of_slices: tuple[PhaseError | None, ...] = ()

    @property
    def corrects(self) -> bool:
        """True when anything is to be corrected."""
        return self.whole or bool(self.of_slices)

    @property
    def told(self) -> PhaseError | None:
        """What to tell of it: where slices differ, the slice that gains most."""
        slices = [error for error in self.of_slices if error is not None]
        return max(slices, key=lambda error: error.gain) if slices else self.found

    def correct(self, work: EchoSeries) -> EchoSeries:
        """The slices looked at, corrected."""
        if not self.of_slices:
            return self.found.correct(work) if self.found is not None else work
        one_by_one = [replace(work, echoes=work.echoes[:, s : s + 1]) for s in range(work.shape[0])]
        mended = [e.correct(one) if e is not None else one for e, one in zip(self.of_slices, one_by_one, strict=True)]
        return replace(work, echoes=np.concatenate([one.echoes for one in mended], axis=1))


def find_odd_even(work: EchoSeries, spectrum: FatSpectrum, bipolar: str) -> OddEven:
    """Look at a few slices (of the model's rotation sense) and decide.

    Parameters
    ----------
    bipolar : 'auto' corrects what the scan shows clearly, or shows where the source says that the read-out is bipolar; 'yes'
        corrects whatever fits best, 'no' nothing.
    """
    found = find_phase_error(work, spectrum, Pattern.ODD_EVEN)
    whole = found is not None and _wanted(found, bipolar, work.readout)
    slices = work.shape[0]
    monopolar = bipolar == "auto" and work.readout is Readout.MONOPOLAR
    if found is None or slices < 2 or bipolar == "no" or monopolar:
        return OddEven(found, whole)
    left = found.correct(work) if whole else work
    gains = [error.gain for error in _each(left, spectrum) if error is not None and error.clear]
    if len(gains) < slices / 2 or float(np.median(gains)) < SLICE_BY_SLICE_GAIN:
        return OddEven(found, whole)
    return OddEven(found, whole, _each(work, spectrum))


def odd_even_of_slices(series: EchoSeries, spectrum: FatSpectrum, conjugated: bool) -> tuple[PhaseError | None, ...]:
    """Corrections of all slices of a scan, None for those without signal and those that show nothing plausible."""
    every: list[PhaseError | None] = []
    for index in range(series.shape[0]):
        echoes = series.echoes[:, index : index + 1]
        error = None
        if all(np.any(echo) for echo in echoes):
            one = replace(series, echoes=np.conj(echoes) if conjugated else echoes)
            error = find_phase_error(one, spectrum, Pattern.ODD_EVEN)
        every.append(error if error is not None and error.plausible else None)
    return tuple(every)


def _each(work: EchoSeries, spectrum: FatSpectrum) -> tuple[PhaseError | None, ...]:
    alone = (range(s, s + 1) for s in range(work.shape[0]))
    return tuple(find_phase_error(work, spectrum, Pattern.ODD_EVEN, slices, VOXELS_A_SLICE) for slices in alone)


def _wanted(found: PhaseError, bipolar: str, readout: Readout) -> bool:
    if bipolar != "auto":
        return bipolar == "yes"
    if readout is Readout.BIPOLAR:
        return found.plausible
    return readout is Readout.UNKNOWN and found.clear
