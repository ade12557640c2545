"""What is mended in the echoes before anything is estimated: rotation sense, odd-even phase, first-echo phase.

Decided once for a scan from a few of its slices; applied slice by slice, so that no second copy of the scan is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries, PhaseSign
from ...errors import InputError
from ...physics.spectrum import FatSpectrum
from ..voxelwise import mixed_fit
from .gain_steps import find_gains
from .odd_even import find_odd_even, odd_even_of_slices
from .phase_errors import Pattern, PhaseError, find_phase_error
from .rotation_sense import decide_sign

CHOICES = ("auto", "yes", "no")
MIXED = "mixed"
FIRST_ECHO_CHOICES = (*CHOICES, MIXED)
GAIN_STEPS_CHOICES = ("yes", "no")
SLICES_LOOKED_AT = 5


@dataclass(frozen=True, eq=False)
class Repairs:
    """What was found and what is done.

    Attributes
    ----------
    conjugated, sign_text, sign_decided : rotation sense (mirrored or not), in words, and whether the data decided it.
    bipolar, first_echo : phase errors found, None where nothing can be told; those applied are in `applied`.
    applied : corrections of the whole scan. by_slice : odd-even corrections of single slices, which stand over `applied`.
    mixed : the last fit leaves out the phase of the first echo (`mixed_fit`).
    gains : scale of each echo that is divided out; () for none.
    notes : sentences for provenance.
    """

    conjugated: bool
    sign_text: str
    sign_decided: bool
    bipolar: PhaseError | None = None
    first_echo: PhaseError | None = None
    applied: tuple[PhaseError, ...] = ()
    by_slice: tuple[PhaseError | None, ...] = ()
    mixed: bool = False
    gains: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def apply(self, echoes: npt.NDArray[np.complex64], index: int) -> npt.NDArray[np.complex64]:
        """One slice (echo, row, column) of the scan, mended."""
        out = np.conj(echoes) if self.conjugated else echoes
        if self.gains:
            out = out / np.asarray(self.gains, dtype=np.float32)[:, None, None]
        own = self.by_slice[index] if self.by_slice else None
        errors = [error for error in self.applied if own is None or error.pattern is not Pattern.ODD_EVEN]
        for error in (*errors, own):
            if error is not None:
                out = out * error.phasor(len(out), *out.shape[1:])[:, 0]
        return np.ascontiguousarray(out, dtype=np.complex64)

    def as_dict(self) -> dict[str, Any]:
        """Plain types for provenance."""

        def plain(error: PhaseError | None) -> dict[str, Any] | None:
            if error is None:
                return None
            applied = error in self.applied or (error.pattern is Pattern.ODD_EVEN and bool(self.by_slice))
            values = {**asdict(error), "pattern": error.pattern.value, "clear": error.clear, "applied": applied}
            return {k: round(v, 5) if isinstance(v, float) else v for k, v in values.items()}

        return {
            "conjugated": self.conjugated,
            "sign_decided": self.sign_decided,
            "bipolar": plain(self.bipolar),
            "first_echo": plain(self.first_echo),
            "mixed_fit": self.mixed,
            "gains_taken_out": [round(gain, 5) for gain in self.gains],
            "slice_by_slice": bool(self.by_slice),
            "by_slice": [plain(error) for error in self.by_slice],
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Repairs:
        """What `as_dict` told, to apply it again (without its sentences)."""
        numbers = [f.name for f in fields(PhaseError) if f.name != "pattern"]

        def error(values: Mapping[str, Any] | None) -> PhaseError | None:
            return PhaseError(Pattern(values["pattern"]), **{n: values[n] for n in numbers}) if values else None

        return cls(
            conjugated=told["conjugated"],
            sign_text="",
            sign_decided=told["sign_decided"],
            bipolar=error(told["bipolar"]),
            first_echo=error(told["first_echo"]),
            applied=tuple(e for n in ("bipolar", "first_echo") if told[n] and told[n]["applied"] and (e := error(told[n]))),
            by_slice=tuple(error(values) for values in told["by_slice"]),
            mixed=told["mixed_fit"],
            gains=tuple(told["gains_taken_out"]),
        )


def plan_repairs(
    series: EchoSeries,
    spectrum: FatSpectrum,
    conjugate: str = "auto",
    bipolar: str = "auto",
    first_echo: str = "no",
    gain_steps: str = "no",
) -> Repairs:
    """Look at a few slices and decide what to mend.

    Parameters
    ----------
    conjugate : 'auto' lets the residual decide the rotation sense, 'yes' and 'no' override it.
    bipolar : 'auto' corrects an odd-even phase where the scan shows one clearly (or shows one, and the source says that the
        read-out is bipolar); 'yes' corrects whatever fits best, 'no' corrects nothing.
    first_echo : 'yes' takes a smooth phase error of the first echo out, 'auto' where it is clear; 'mixed' does what 'auto'
        does, to find the right mode, and then leaves the phase of the first echo out of the last fit.
    gain_steps : 'yes' divides out the scale of each echo that the data tell (`gain_steps`), 'no' does not.

    Raises
    ------
    InputError
        For an unknown option.
    """
    asked = (
        ("conjugate", conjugate, CHOICES),
        ("bipolar", bipolar, CHOICES),
        ("first_echo", first_echo, FIRST_ECHO_CHOICES),
        ("gain_steps", gain_steps, GAIN_STEPS_CHOICES),
    )
    for name, given, choices in asked:
        if given not in choices:
            raise InputError(f"Option {name} is '{given}'; one of {', '.join(choices)} was expected.")
    mixed = first_echo == MIXED
    if mixed and series.n_echoes < mixed_fit.MIN_ECHOES:
        raise InputError(
            f"A mixed fit of the first echo needs at least {mixed_fit.MIN_ECHOES} echoes; {series.n_echoes} were found. Take "
            "--first-echo no, and leave out regions where it matters."
        )
    looked_at = _some_slices(series)
    conjugated, sign_text, decided = _sign(looked_at, conjugate, spectrum)
    work = looked_at.conjugate() if conjugated else looked_at
    odd_even = find_odd_even(work, spectrum, bipolar)
    notes: list[str] = []
    applied: list[PhaseError] = []
    by_slice: tuple[PhaseError | None, ...] = ()
    if odd_even.corrects:
        corrected = odd_even.correct(work)
        if conjugate == "auto":
            # The odd-even phase may have hidden the rotation sense: decide it again. Mirroring turns the phase error around.
            again, sign_text, decided = _sign(corrected.conjugate() if conjugated else corrected, conjugate, spectrum)
            if again != conjugated:
                conjugated, work = again, work.conjugate()
                mirrored = find_odd_even(work, spectrum, bipolar)
                odd_even = mirrored if mirrored.corrects else odd_even
                corrected = odd_even.correct(work)
        if odd_even.whole and odd_even.found is not None:
            applied.append(odd_even.found)
        if odd_even.of_slices:
            by_slice = odd_even_of_slices(series, spectrum, conjugated)
        work = corrected
    found = odd_even.told
    if found is not None and odd_even.corrects:
        how = " (slices one by one: they differ; this is the one that gains most)" if by_slice else ""
        notes.append(f"Corrected {found.sentence()}{how}.")
    elif found is not None and found.clear:
        notes.append(f"Not corrected, on request or because the read-out is said to be monopolar: {found.sentence()}.")
    elif found is None and bipolar == "yes":
        notes.append("An odd-even phase cannot be told from three echoes; nothing was corrected.")
    first = find_phase_error(work, spectrum, Pattern.FIRST)
    if first is not None and (first_echo == "yes" or (first_echo in ("auto", MIXED) and first.clear)):
        applied.append(first)
        notes.append(f"Corrected {first.sentence()}.")
    if mixed:
        notes.append("Mixed fit: the first echo entered the last fit by its magnitude alone.")
    plan = Repairs(conjugated, sign_text, decided, found, first, tuple(applied), by_slice, mixed, notes=tuple(notes))
    return _with_gains(plan, mended(series, plan, SLICES_LOOKED_AT), spectrum) if gain_steps == "yes" else plan


def mended(series: EchoSeries, repairs: Repairs, most_slices: int) -> EchoSeries:
    """A few slices with signal in every echo, mended, as a scan of their own."""
    chosen = _chosen(series, most_slices)
    if not chosen:
        return series
    return replace(series, echoes=np.stack([repairs.apply(series.echoes[:, s], s) for s in chosen], axis=1))


def _with_gains(plan: Repairs, work: EchoSeries, spectrum: FatSpectrum) -> Repairs:
    found = find_gains(work, spectrum)
    if found is None:
        note = "Gain steps cannot be told from three echoes; nothing was divided out."
        return replace(plan, notes=(*plan.notes, note))
    listed = ", ".join(f"{gain:.3f}" for gain in found.gains)
    note = f"Divided out the scale of each echo as the data tell it ({listed}); residual lower by {found.improvement:.2f}."
    return replace(plan, gains=found.gains, notes=(*plan.notes, note))


def _sign(series: EchoSeries, conjugate: str, spectrum: FatSpectrum) -> tuple[bool, str, bool]:
    if conjugate != "auto":
        return conjugate == "yes", ("conjugated on request" if conjugate == "yes" else "as given on request"), True
    decision = decide_sign(series, spectrum)
    conjugated = decision.sign is PhaseSign.CONJUGATED
    return conjugated, f"{'conjugated' if conjugated else 'as given'}: {decision.reason}", decision.decided


def _some_slices(series: EchoSeries) -> EchoSeries:
    chosen = _chosen(series, SLICES_LOOKED_AT)
    return series if not chosen or len(chosen) == series.shape[0] else replace(series, echoes=series.echoes[:, chosen])


def _chosen(series: EchoSeries, most: int) -> list[int]:
    """Slices with signal in every echo, evenly spread where there are more than wanted."""
    usable = [s for s in range(series.shape[0]) if all(np.any(echo) for echo in series.echoes[:, s])]
    return sorted({usable[round(s)] for s in np.linspace(0, len(usable) - 1, min(len(usable), most))})
