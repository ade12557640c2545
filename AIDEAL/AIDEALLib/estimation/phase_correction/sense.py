"""Decision on the rotation sense: by request, by the residual, or else by the plausibility of both readings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ...choices import Conjugate
from ...echoes import EchoSeries, PhaseSign
from ...models import NetworkSource
from ...physics.spectrum import FatSpectrum
from .rotation_sense import decide_sign
from .sign_trial import SignTrial, try_both_signs

MOST_SLICES = 2
ENOUGH = 0.99
"""A sense counts as decided from this probability on: the wrong one exchanges water and fat."""
STATED_LOG_ODDS = 3.0
"""Weight of a sense that the source states, as log-odds: about one file in twenty states the wrong one."""
WEIGHTS = (13.7, 2.7)
"""Log-odds of the conjugated sense for each of `SignTrial.evidence`, learned on simulated scans."""


@dataclass(frozen=True)
class SenseDecision:
    """Rotation sense in use.

    Attributes
    ----------
    conjugated : bool
        Whether the echoes are to be conjugated.
    decided : bool
        Whether the user or the data decided it.
    probability : float
        Probability that it is right.
    text : str
        The sense with its evidence, in words.
    trial : SignTrial or None
        Both readings, where the residual decided nothing.
    """

    conjugated: bool
    decided: bool
    probability: float
    text: str
    trial: SignTrial | None = None


def decide_sense(series: EchoSeries, conjugate: Conjugate, spectrum: FatSpectrum, networks: NetworkSource) -> SenseDecision:
    """Decide the rotation sense of a scan.

    Parameters
    ----------
    series : EchoSeries
        A few slices of the scan.
    conjugate : Conjugate
        Request of the user; 'auto' leaves the decision to the data.
    spectrum : FatSpectrum
        Fat spectrum.
    networks : callable
        Gives the networks on a device, where the residual decides nothing.

    Returns
    -------
    SenseDecision
        The sense and the evidence for it.
    """
    if conjugate is not Conjugate.AUTO:
        conjugated = conjugate is Conjugate.CONJUGATED
        return SenseDecision(conjugated, True, 1.0, ("conjugated" if conjugated else "as given") + " on request")
    by_residual = decide_sign(series, spectrum)
    if by_residual.decided:
        conjugated = by_residual.sign is PhaseSign.CONJUGATED
        return SenseDecision(conjugated, True, 1.0, f"{_name(conjugated)}: {by_residual.reason}")
    slices = series.shape[0]
    chosen = sorted({slices // 3, 2 * slices // 3})[:MOST_SLICES]
    trial = try_both_signs(replace(series, echoes=series.echoes[:, chosen]), spectrum, networks("cpu"))
    if trial is None:
        conjugated = by_residual.sign is PhaseSign.CONJUGATED
        return SenseDecision(conjugated, False, 0.5, f"{_name(conjugated)}: {by_residual.reason}")
    return _by_plausibility(trial, series.phase_sign, by_residual.reason)


def _by_plausibility(trial: SignTrial, stated: PhaseSign | None, reason: str) -> SenseDecision:
    if trial.agree:
        conjugated = stated is PhaseSign.CONJUGATED
        text = f"{_name(conjugated)}: {reason}; either sense gives the same PDFF with these echo times"
        return SenseDecision(conjugated, True, 1.0, text, trial)
    prior = {None: 0.0, PhaseSign.AS_MODEL: -STATED_LOG_ODDS, PhaseSign.CONJUGATED: STATED_LOG_ODDS}[stated]
    log_odds = prior + sum(weight * value for weight, value in zip(WEIGHTS, trial.evidence(), strict=True))
    conjugated = log_odds > 0
    probability = 1 / (1 + math.exp(-min(abs(log_odds), 30.0)))
    text = (
        f"{_name(conjugated)} with probability {probability:.3f}: {reason}; sign of R2* and place of fat of the two readings "
        f"(median PDFF {trial.given.pdff_median:.1f} % as given, {trial.conjugated.pdff_median:.1f} % conjugated)"
    )
    return SenseDecision(conjugated, probability >= ENOUGH, probability, text, trial)


def _name(conjugated: bool) -> str:
    return "conjugated" if conjugated else "as given"
