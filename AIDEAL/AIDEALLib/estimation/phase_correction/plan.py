"""Which corrections a scan gets: rotation sense, odd-even phase, phase of the first echo, scales.

Decided once for a scan from a few of its slices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...advice import advise
from ...choices import Bipolar, Conjugate, FirstEcho, GainSteps
from ...echoes import EchoSeries
from ...errors import InputError
from ...models import NetworkSource, load_networks
from ...options import RunOptions
from ...physics.spectrum import FatSpectrum
from ..slice_pool import one_core
from ..voxelwise import mixed_fit
from .corrections import PhaseCorrections, corrected_slices, slices_with_signal
from .gain_steps import find_gains
from .odd_even import OddEven, find_odd_even, odd_even_of_slices
from .phase_errors import Pattern, PhaseError, find_phase_error
from .rotation_sense import DECISIVE_GAIN
from .sense import SenseDecision, decide_sense

SLICES_EXAMINED = 5


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
        note = "Three echoes show scales only in the noise of air, and there they do not differ; nothing was divided out."
        return replace(plan, notes=(*plan.notes, note))
    listed = ", ".join(f"{gain:.3f}" for gain in found.gains)
    note = f"Divided out the scale of each echo that the data show ({listed}); residual lower by {found.improvement:.2f}."
    return replace(plan, gains=found.gains, notes=(*plan.notes, note))


def _some_slices(series: EchoSeries) -> EchoSeries:
    chosen = slices_with_signal(series, SLICES_EXAMINED)
    return series if not chosen or len(chosen) == series.shape[0] else replace(series, echoes=series.echoes[:, chosen])
