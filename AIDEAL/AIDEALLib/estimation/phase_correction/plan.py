"""Corrections of the echoes before the estimate: rotation sense, odd-even phase, phase of the first echo, scales.

Decided once for a scan from a few of its slices; applied slice by slice, so that no second copy of the scan is held.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...advice import advise
from ...choices import Bipolar, Conjugate, FirstEcho, GainSteps
from ...echoes import EchoSeries
from ...errors import InputError
from ...models import NetworkSource, load_networks
from ...options import RunOptions
from ...physics.spectrum import FatSpectrum
from ..slice_pool import one_core
from ..voxelwise import mixed_fit
from .gain_steps import find_gains
from .odd_even import OddEven, find_odd_even, odd_even_of_slices
from .phase_errors import Pattern, PhaseError, find_phase_error
from .rotation_sense import DECISIVE_GAIN
from .sense import SenseDecision, decide_sense
from .sign_trial import SignTrial

SLICES_EXAMINED = 5


@dataclass(frozen=True, eq=False)
class PhaseCorrections:
    """What was found and what is corrected.

    Attributes
    ----------
    conjugated : bool
        Whether the echoes are conjugated.
    sign_text : str
        Rotation sense in words.
    sign_decided : bool
        Whether the data, or the user, decided the rotation sense.
    bipolar, first_echo : PhaseError or None
        Phase errors found, None where none can be determined; those corrected are in `applied`.
    applied : tuple of PhaseError
        Corrections of the whole scan.
    by_slice : tuple of (PhaseError or None)
        Odd-even corrections of single slices, which override `applied`.
    mixed : bool
        The last fit leaves out the phase of the first echo (`voxelwise.mixed_fit`).
    gains : tuple of float
        Scale of each echo that is divided out; () for none.
    notes : tuple of str
        Sentences for provenance.
    sign_probability : float
        Probability that the rotation sense is right.
    sign_trial : SignTrial or None
        Both readings of a few slices, where the residual decided nothing.
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
    sign_probability: float = 1.0
    sign_trial: SignTrial | None = None

    def apply(self, echoes: npt.NDArray[np.complex64], index: int) -> npt.NDArray[np.complex64]:
        """Corrected echoes (echo, row, column) of slice `index`."""
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
            "sign_probability": round(self.sign_probability, 4),
            "sign_trial": asdict(self.sign_trial) if self.sign_trial else None,
            "bipolar": plain(self.bipolar),
            "first_echo": plain(self.first_echo),
            "mixed_fit": self.mixed,
            "gains_taken_out": [round(gain, 5) for gain in self.gains],
            "slice_by_slice": bool(self.by_slice),
            "by_slice": [plain(error) for error in self.by_slice],
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> PhaseCorrections:
        """Corrections from what `as_dict` returned, to be applied once more (without their sentences)."""
        numbers = [f.name for f in fields(PhaseError) if f.name not in ("pattern", "steps")]

        def error(values: Mapping[str, Any] | None) -> PhaseError | None:
            if not values:
                return None
            steps = tuple(values.get("steps", ()))
            return PhaseError(Pattern(values["pattern"]), **{n: values[n] for n in numbers}, steps=steps)

        applied = [error(content[name]) for name in ("bipolar", "first_echo") if (content[name] or {}).get("applied")]
        return cls(
            conjugated=content["conjugated"],
            sign_text="",
            sign_decided=content["sign_decided"],
            bipolar=error(content["bipolar"]),
            first_echo=error(content["first_echo"]),
            applied=tuple(e for e in applied if e is not None),
            by_slice=tuple(error(values) for values in content["by_slice"]),
            mixed=content["mixed_fit"],
            gains=tuple(content["gains_taken_out"]),
            sign_probability=content.get("sign_probability", 1.0),
            sign_trial=SignTrial.from_dict(content["sign_trial"]) if content.get("sign_trial") else None,
        )


NO_CORRECTIONS = PhaseCorrections(False, "as given", True)
"""For echoes that are known to be free of phase errors."""


@one_core()
def plan_corrections(
    series: EchoSeries,
    spectrum: FatSpectrum,
    options: RunOptions | None = None,
    networks: NetworkSource | None = None,
) -> PhaseCorrections:
    """Examine a few slices and decide what to correct.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    spectrum : FatSpectrum
        Fat spectrum.
    options : RunOptions, optional
        `conjugate`, `bipolar`, `first_echo` and `gain_steps` of these; the defaults when None. `bipolar` 'auto' corrects an
        odd-even phase where the scan shows one clearly (or shows one, and the source states that the read-out is bipolar).
        `first_echo` 'mixed' does what 'auto' does, to find the right mode, and leaves the phase of the first echo out of the
        last fit.
    networks : callable, optional
        Gives the networks on a device, where the residual does not decide the rotation sense; by default the bundled ones.

    Returns
    -------
    PhaseCorrections
        What was found and what is corrected.

    Raises
    ------
    InputError
        A mixed fit of fewer than four echoes.
    """
    options = options or RunOptions()
    mixed = options.first_echo is FirstEcho.MIXED
    if mixed and series.n_echoes < mixed_fit.MIN_ECHOES:
        raise InputError(
            f"A mixed fit of the first echo needs at least {mixed_fit.MIN_ECHOES} echoes; {series.n_echoes} were found.",
            advise("Take {}, and leave out regions where it matters.", ("first_echo", "no")),
        )
    sense = _rotation_sense(series, spectrum, options, networks or load_networks)
    sense, first = _with_first_echo(sense, spectrum, options.conjugate)
    odd_even = sense.odd_even
    by_slice = odd_even_of_slices(series, spectrum, sense.conjugated) if odd_even.of_slices else ()
    notes = _odd_even_notes(odd_even, options.bipolar, bool(by_slice))
    applied = [odd_even.found] if odd_even.whole and odd_even.found is not None else []
    if first is not None and _corrects_first_echo(first, options.first_echo):
        applied.append(first)
        notes.append(f"Corrected {first.sentence()}.")
    if mixed:
        notes.append("Mixed fit: the first echo entered the last fit by its magnitude alone.")
    plan = PhaseCorrections(
        conjugated=sense.conjugated,
        sign_text=sense.decision.text,
        sign_decided=sense.decision.decided,
        sign_probability=sense.decision.probability,
        sign_trial=sense.decision.trial,
        bipolar=odd_even.strongest,
        first_echo=first,
        applied=tuple(applied),
        by_slice=by_slice,
        mixed=mixed,
        notes=tuple(notes),
    )
    if options.gain_steps is GainSteps.CORRECT:
        return _with_gains(plan, corrected_slices(series, plan, SLICES_EXAMINED), spectrum)
    return plan


def corrected_slices(series: EchoSeries, corrections: PhaseCorrections, most_slices: int) -> EchoSeries:
    """Correct a few slices that have signal in every echo.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    corrections : PhaseCorrections
        What is corrected.
    most_slices : int
        Slices at most, evenly spread.

    Returns
    -------
    EchoSeries
        The corrected slices as a scan of their own; the scan itself where no slice has signal in every echo.
    """
    chosen = _slices_with_signal(series, most_slices)
    if not chosen:
        return series
    return replace(series, echoes=np.stack([corrections.apply(series.echoes[:, s], s) for s in chosen], axis=1))


@dataclass(frozen=True, eq=False)
class _RotationSense:
    """Rotation sense of a scan, its odd-even phase, and the slices examined with both corrected."""

    decision: SenseDecision
    odd_even: OddEven
    corrected: EchoSeries

    @property
    def conjugated(self) -> bool:
        """Whether the echoes are to be conjugated."""
        return self.decision.conjugated


def _rotation_sense(series: EchoSeries, spectrum: FatSpectrum, options: RunOptions, networks: NetworkSource) -> _RotationSense:
    def decide(slices: EchoSeries) -> SenseDecision:
        return decide_sense(slices, options.conjugate, spectrum, networks)

    examined = _some_slices(series)
    decision = decide(examined)
    conjugated = decision.conjugated
    work = examined.conjugate() if conjugated else examined
    odd_even = find_odd_even(work, spectrum, options.bipolar)
    if not odd_even.corrects:
        return _RotationSense(decision, odd_even, work)
    corrected = odd_even.correct(work)
    if options.conjugate is Conjugate.AUTO:
        # The odd-even phase may have hidden the rotation sense: decide it once more. Conjugation reverses the phase error.
        decision = decide(corrected.conjugate() if conjugated else corrected)
        if decision.conjugated != conjugated:
            work = work.conjugate()
            mirrored = find_odd_even(work, spectrum, options.bipolar)
            odd_even = mirrored if mirrored.corrects else odd_even
            corrected = odd_even.correct(work)
    return _RotationSense(decision, odd_even, corrected)


def _with_first_echo(
    sense: _RotationSense, spectrum: FatSpectrum, conjugate: Conjugate
) -> tuple[_RotationSense, PhaseError | None]:
    """Phase of the first echo; where there is one, it may have hidden the rotation sense, which is decided once more."""
    first = find_phase_error(sense.corrected, spectrum, Pattern.FIRST)
    if first is None or not first.clear or conjugate is not Conjugate.AUTO or sense.odd_even.corrects:
        return sense, first
    mirrored = sense.corrected.conjugate()
    other = find_phase_error(mirrored, spectrum, Pattern.FIRST)
    if other is None or not other.clear or other.residual_after * DECISIVE_GAIN > first.residual_after:
        return sense, first
    conjugated = not sense.conjugated
    text = (
        f"{'conjugated' if conjugated else 'as given'}: residual {other.residual_after:.3g} % with the phase of the first echo "
        f"corrected, {first.residual_after:.3g} % in the other sense"
    )
    decision = SenseDecision(conjugated, True, 1.0, text)
    return replace(sense, decision=decision, corrected=mirrored), other


def _odd_even_notes(odd_even: OddEven, bipolar: Bipolar, by_slice: bool) -> list[str]:
    found = odd_even.strongest
    if found is not None and odd_even.corrects:
        how = " (slices one by one: they differ; this is the one that gains most)" if by_slice else ""
        return [f"Corrected {found.sentence()}{how}."]
    if found is not None and found.clear:
        return [f"Not corrected, on request or because the read-out is stated to be monopolar: {found.sentence()}."]
    if found is None and bipolar is Bipolar.CORRECT:
        return ["An odd-even phase cannot be determined from three echoes; nothing was corrected."]
    return []


def _corrects_first_echo(first: PhaseError, first_echo: FirstEcho) -> bool:
    if first_echo is FirstEcho.CORRECT:
        return True
    return first_echo in (FirstEcho.AUTO, FirstEcho.MIXED) and first.clear


def _with_gains(plan: PhaseCorrections, work: EchoSeries, spectrum: FatSpectrum) -> PhaseCorrections:
    found = find_gains(work, spectrum)
    if found is None:
        note = "Scales of the echoes cannot be determined from three echoes; nothing was divided out."
        return replace(plan, notes=(*plan.notes, note))
    listed = ", ".join(f"{gain:.3f}" for gain in found.gains)
    note = f"Divided out the scale of each echo that the data show ({listed}); residual lower by {found.improvement:.2f}."
    return replace(plan, gains=found.gains, notes=(*plan.notes, note))


def _some_slices(series: EchoSeries) -> EchoSeries:
    chosen = _slices_with_signal(series, SLICES_EXAMINED)
    return series if not chosen or len(chosen) == series.shape[0] else replace(series, echoes=series.echoes[:, chosen])


def _slices_with_signal(series: EchoSeries, most: int) -> list[int]:
    """Slices with signal in every echo, evenly spread where there are more than wanted."""
    usable = [s for s in range(series.shape[0]) if all(np.any(echo) for echo in series.echoes[:, s])]
    return sorted({usable[round(s)] for s in np.linspace(0, len(usable) - 1, min(len(usable), most))})
