"""What is mended in the echoes before anything is estimated: rotation sense, odd-even phase, first-echo phase.

Decided once for a scan from a few of its slices; applied slice by slice, so that no second copy of the scan is held.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries, PhaseSign, Readout
from ..errors import InputError
from ..physics.spectrum import FatSpectrum
from .phase_errors import Pattern, PhaseError, find_phase_error
from .repair import decide_sign

CHOICES = ("auto", "yes", "no")
SLICES_LOOKED_AT = 5
SLICE_BY_SLICE_GAIN = 1.2
"""Correcting slices one by one must lower their residual by this much against one correction for all."""


@dataclass(frozen=True, eq=False)
class Repairs:
    """What was found and what is done.

    Attributes
    ----------
    conjugated, sign_text, sign_decided : rotation sense (mirrored or not), in words, and whether the data decided it.
    bipolar, first_echo : phase errors found, None where nothing can be told; those applied are in `applied`.
    applied : corrections of the whole scan. by_slice : odd-even corrections of single slices, which stand over `applied`.
    notes : sentences for provenance.
    """

    conjugated: bool
    sign_text: str
    sign_decided: bool
    bipolar: PhaseError | None = None
    first_echo: PhaseError | None = None
    applied: tuple[PhaseError, ...] = ()
    by_slice: tuple[PhaseError | None, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(self, echoes: npt.NDArray[np.complex64], index: int) -> npt.NDArray[np.complex64]:
        """One slice (echo, row, column) of the scan, mended."""
        out = np.conj(echoes) if self.conjugated else echoes
        own = self.by_slice[index] if self.by_slice else None
        for error in self.applied:
            chosen = own if own is not None and error.pattern is Pattern.ODD_EVEN else error
            out = out * chosen.phasor(len(out), *out.shape[1:])[:, 0]
        return np.ascontiguousarray(out, dtype=np.complex64)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for provenance."""

        def plain(error: PhaseError | None) -> dict[str, Any] | None:
            if error is None:
                return None
            values = {**asdict(error), "pattern": error.pattern.value, "clear": error.clear, "applied": error in self.applied}
            return {k: round(v, 5) if isinstance(v, float) else v for k, v in values.items()}

        return {
            "conjugated": self.conjugated,
            "sign_decided": self.sign_decided,
            "bipolar": plain(self.bipolar),
            "first_echo": plain(self.first_echo),
            "slice_by_slice": bool(self.by_slice),
            "by_slice": [plain(error) for error in self.by_slice],
        }


def plan_repairs(
    series: EchoSeries,
    spectrum: FatSpectrum,
    conjugate: str = "auto",
    bipolar: str = "auto",
    first_echo: str = "no",
) -> Repairs:
    """Look at a few slices and decide what to mend.

    Parameters
    ----------
    conjugate : 'auto' lets the residual decide the rotation sense, 'yes' and 'no' override it.
    bipolar : 'auto' corrects an odd-even phase where the scan shows one clearly (or shows one, and the source says that the
        read-out is bipolar); 'yes' corrects whatever fits best, 'no' corrects nothing.
    first_echo : 'yes' takes the phase error of the first echo out (the smooth form of a mixed fit), 'auto' where it is clear.

    Raises
    ------
    InputError
        For an unknown option.
    """
    for name, given in (("conjugate", conjugate), ("bipolar", bipolar), ("first_echo", first_echo)):
        if given not in CHOICES:
            raise InputError(f"Option {name} is '{given}'; one of {', '.join(CHOICES)} was expected.")
    looked_at = _some_slices(series)
    conjugated, sign_text, decided = _sign(looked_at, conjugate, spectrum)
    work = looked_at.conjugate() if conjugated else looked_at
    found = find_phase_error(work, spectrum, Pattern.ODD_EVEN)
    notes: list[str] = []
    applied: list[PhaseError] = []
    by_slice: tuple[PhaseError | None, ...] = ()
    if found is not None and _wanted(found, bipolar, series.readout):
        corrected = found.correct(work)
        if conjugate == "auto":
            # The odd-even phase may have hidden the rotation sense: decide it again. Mirroring turns the phase error around.
            again, sign_text, decided = _sign(corrected.conjugate() if conjugated else corrected, conjugate, spectrum)
            if again != conjugated:
                conjugated, work = again, work.conjugate()
                found = find_phase_error(work, spectrum, Pattern.ODD_EVEN) or found
                corrected = found.correct(work)
        applied.append(found)
        by_slice = _slice_by_slice(series, conjugated, found, corrected, spectrum)
        how = " (slices one by one: they differ)" if by_slice else ""
        notes.append(f"Corrected {found.sentence()}{how}.")
        work = corrected
    elif found is not None and found.clear:
        notes.append(f"Not corrected on request: {found.sentence()}.")
    elif found is None and bipolar == "yes":
        notes.append("An odd-even phase cannot be told from three echoes; nothing was corrected.")
    first = find_phase_error(work, spectrum, Pattern.FIRST)
    if first is not None and (first_echo == "yes" or (first_echo == "auto" and first.clear)):
        applied.append(first)
        notes.append(f"Corrected {first.sentence()}.")
    return Repairs(conjugated, sign_text, decided, found, first, tuple(applied), by_slice, tuple(notes))


def _sign(series: EchoSeries, conjugate: str, spectrum: FatSpectrum) -> tuple[bool, str, bool]:
    if conjugate != "auto":
        return conjugate == "yes", ("conjugated on request" if conjugate == "yes" else "as given on request"), True
    decision = decide_sign(series, spectrum)
    conjugated = decision.sign is PhaseSign.CONJUGATED
    return conjugated, f"{'conjugated' if conjugated else 'as given'}: {decision.reason}", decision.decided


def _wanted(found: PhaseError, bipolar: str, readout: Readout) -> bool:
    if bipolar != "auto":
        return bipolar == "yes"
    if readout is Readout.BIPOLAR:
        return found.plausible
    return readout is Readout.UNKNOWN and found.clear


def _some_slices(series: EchoSeries) -> EchoSeries:
    """A few slices with signal in every echo, as a scan of their own."""
    slices = series.shape[0]
    usable = [s for s in range(slices) if all(np.any(echo) for echo in series.echoes[:, s])]
    if len(usable) <= SLICES_LOOKED_AT:
        chosen = usable
    else:
        chosen = sorted({usable[round(s)] for s in np.linspace(0, len(usable) - 1, SLICES_LOOKED_AT)})
    return series if not chosen or len(chosen) == slices else replace(series, echoes=series.echoes[:, chosen])


def _slice_by_slice(
    series: EchoSeries, conjugated: bool, found: PhaseError, corrected: EchoSeries, spectrum: FatSpectrum
) -> tuple[PhaseError | None, ...]:
    """Corrections of every slice where a few slices show that one for all does not fit them; () otherwise."""
    slices = corrected.shape[0]
    if slices < 3:
        return ()
    rest = [find_phase_error(corrected, spectrum, found.pattern, range(s, s + 1)) for s in range(slices)]
    gains = [error.gain for error in rest if error is not None and error.clear]
    if len(gains) < slices / 2 or float(np.median(gains)) < SLICE_BY_SLICE_GAIN:
        return ()
    whole: list[PhaseError | None] = []
    for index in range(series.shape[0]):
        echoes = series.echoes[:, index : index + 1]
        if not all(np.any(echo) for echo in echoes):
            whole.append(None)
            continue
        one = replace(series, echoes=np.conj(echoes) if conjugated else echoes)
        error = find_phase_error(one, spectrum, found.pattern)
        whole.append(error if error is not None and error.plausible else None)
    return tuple(whole)
