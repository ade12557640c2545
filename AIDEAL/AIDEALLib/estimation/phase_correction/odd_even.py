"""The phase between odd and even echoes of a scan: one for all slices where that fits them, else slice by slice.

Slices differ where the read-out's delay does (interleaved or angled packages); opposite phases of two slices even cancel each
other in what is found for all of them together, so the slices are examined one by one as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...choices import Bipolar
from ...echoes import EchoSeries, Readout
from ...physics.spectrum import FatSpectrum
from .gain_steps import find_gains
from .phase_errors import Pattern, PhaseError, find_phase_error

SLICE_BY_SLICE_GAIN = 1.2
"""Correcting slices one by one must lower their residual by this much against one correction, or none, for all."""
VOXELS_A_SLICE = 300


@dataclass(frozen=True)
class OddEven:
    """Odd-even phase of a few slices.

    Attributes
    ----------
    found : PhaseError or None
        Best for all of them together, None where none can be determined.
    whole : bool
        Whether `found` is to be corrected in all slices.
    of_slices : tuple of (PhaseError or None)
        Best of each slice, where one phase does not fit all; () otherwise.
    """

    found: PhaseError | None
    whole: bool
    of_slices: tuple[PhaseError | None, ...] = ()

    @property
    def corrects(self) -> bool:
        """True when anything is to be corrected."""
        return self.whole or bool(self.of_slices)

    @property
    def strongest(self) -> PhaseError | None:
        """The phase error to report: where slices differ, that of the slice that gains most."""
        slices = [error for error in self.of_slices if error is not None]
        return max(slices, key=lambda error: error.gain) if slices else self.found

    def correct(self, work: EchoSeries) -> EchoSeries:
        """Correct the slices that were examined."""
        if not self.of_slices:
            return self.found.correct(work) if self.found is not None else work
        one_by_one = [replace(work, echoes=work.echoes[:, s : s + 1]) for s in range(work.shape[0])]
        corrected = [e.correct(one) if e is not None else one for e, one in zip(self.of_slices, one_by_one, strict=True)]
        return replace(work, echoes=np.concatenate([one.echoes for one in corrected], axis=1))


def find_odd_even(work: EchoSeries, spectrum: FatSpectrum, bipolar: Bipolar) -> OddEven:
    """Find the odd-even phase of a few slices and decide whether to correct it.

    Parameters
    ----------
    work : EchoSeries
        Slices with the rotation sense of the model.
    spectrum : FatSpectrum
        Fat spectrum.
    bipolar : Bipolar
        'auto' corrects what the scan shows clearly, and better than a phase of the first echo or scales of the echoes explain
        it, or shows where the source states a bipolar read-out; 'yes' corrects whatever fits best, 'no' nothing.

    Returns
    -------
    OddEven
        What was found and whether it is to be corrected.
    """
    found = find_phase_error(work, spectrum, Pattern.ODD_EVEN)
    whole = found is not None and _wanted(found, bipolar, work.readout)
    if whole and found is not None and bipolar is Bipolar.AUTO and work.readout is Readout.UNKNOWN:
        found = _beside_others(found, work, spectrum)
        whole = found is not None and found.clear
    slices = work.shape[0]
    monopolar = bipolar is Bipolar.AUTO and work.readout is Readout.MONOPOLAR
    if found is None or slices < 2 or bipolar is Bipolar.AS_STORED or monopolar:
        return OddEven(found, whole)
    left = found.correct(work) if whole else work
    gains = [error.gain for error in _each(left, spectrum) if error is not None and error.clear]
    if len(gains) < slices / 2 or float(np.median(gains)) < SLICE_BY_SLICE_GAIN:
        return OddEven(found, whole)
    return OddEven(found, whole, _each(work, spectrum))


def odd_even_of_slices(series: EchoSeries, spectrum: FatSpectrum, conjugated: bool) -> tuple[PhaseError | None, ...]:
    """Find the odd-even phase of every slice of a scan.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    spectrum : FatSpectrum
        Fat spectrum.
    conjugated : bool
        Whether the scan has the opposite rotation sense of the model.

    Returns
    -------
    tuple of (PhaseError or None)
        One a slice; None for those without signal and those that show nothing plausible.
    """
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


def _beside_others(found: PhaseError, work: EchoSeries, spectrum: FatSpectrum) -> PhaseError | None:
    """An odd-even phase, or what is left of it once another error of whole echoes that explains more is corrected."""
    first, scales = find_phase_error(work, spectrum, Pattern.FIRST), find_gains(work, spectrum)
    by_first, by_scales = (first.gain if first else 1.0), (scales.improvement if scales else 1.0)
    if found.gain > max(by_first, by_scales):
        return found
    if scales is not None and by_scales > by_first:
        without = replace(work, echoes=work.echoes / np.asarray(scales.gains, np.float32)[:, None, None, None])
    else:
        without = first.correct(work) if first is not None else work
    return find_phase_error(without, spectrum, Pattern.ODD_EVEN)


def _wanted(found: PhaseError, bipolar: Bipolar, readout: Readout) -> bool:
    if bipolar is not Bipolar.AUTO:
        return bipolar is Bipolar.CORRECT
    if readout is Readout.BIPOLAR:
        return found.plausible
    return readout is Readout.UNKNOWN and found.clear
