"""Findings from the protocol alone, before anything is estimated: precision, spacing, T1 weighting, range of training."""

from __future__ import annotations

import numpy as np
import torch

from ..advice import advise
from ..choices import T1, Bipolar, Readout
from ..echoes import EchoSeries
from ..estimation.model_spread import PDFF_PERCENT, R2STAR_PER_S, UNDETERMINED_RAD, fitted_from
from ..estimation.phase_correction.phase_errors import Pattern
from ..estimation.t1_correction import t1_weighting_of
from ..options import RunOptions
from ..physics.cramer_rao import cramer_rao
from ..physics.magnitude_signal import magnitude_bound_pdff_sd
from ..physics.spectrum import FatSpectrum
from ..physics.t1_weighting import T1Weighting
from .findings import Finding, Severity

EXPECTED_AT = (5.0, 10.0, 20.0, 50.0)
"""PDFF (percent) at which the expected precision is stated."""
TYPICAL_R2STAR = 40.0
UNFIT_SD, USELESS_SD = 6.0, 50.0
"""PDFF standard deviation of a voxel, in points at PDFF 10 %: warn above the first, stop above the second."""
LOW_SNR = 10.0
NEAR_PERIOD = 0.17
"""Fat turns against water by nearly whole turns from echo to echo when this close to one, in turns."""
T1_BIAS_POINTS = 1.0
USUAL_TR_S = (0.006, 0.03)
"""Repetition times of multi-echo scans of the liver."""
OPEN_POINTS = 1.0
"""A phase between odd and even echoes that would move PDFF by less is not worth a finding."""
TRAINED_ECHOES, TRAINED_TE1_MS, TRAINED_SPACING_MS, TRAINED_TESLA, TRAINED_SNR = (
    (3, 16),
    (0.8, 3.0),
    (0.6, 4.0),
    (0.3, 7.0),
    (5, 200),
)
TOLERANCE = 1.1


def expected_precision(series: EchoSeries, spectrum: FatSpectrum, snr: float, phase_used: bool = True) -> dict[str, float]:
    """Least PDFF standard deviation of a voxel: the Cramer-Rao bound at R2* 40 1/s.

    Parameters
    ----------
    series : EchoSeries
        The scan, for its protocol.
    spectrum : FatSpectrum
        Fat spectrum.
    snr : float
        |W + F| at t = 0 over the noise of one real channel.
    phase_used : bool
        Whether the phase is used; from magnitudes it is the bound of the right one of the two solutions.

    Returns
    -------
    dict of str to float
        `snr`, and the bound (points) at each of `EXPECTED_AT`, such as `pdff_sd_at_10`.
    """
    fractions, te = torch.tensor(EXPECTED_AT), torch.from_numpy(series.te_s)
    snr = max(snr, 1e-3)
    if phase_used:
        r2star, signal = torch.tensor(TYPICAL_R2STAR), torch.tensor(snr)
        bound = cramer_rao(fractions, r2star, signal, te, series.field_strength_t, spectrum).pdff_sd
    else:
        bound = magnitude_bound_pdff_sd(fractions, TYPICAL_R2STAR, snr, te, series.field_strength_t, spectrum)
    return {"snr": snr, **{f"pdff_sd_at_{pdff:g}": float(sd) for pdff, sd in zip(EXPECTED_AT, bound, strict=True)}}


def assess_protocol(series: EchoSeries, spectrum: FatSpectrum, snr: float, options: RunOptions) -> list[Finding]:
    """Findings from echo times, field strength, flip angle, repetition time and signal-to-noise ratio.

    Parameters
    ----------
    series : EchoSeries
        The scan, for its protocol.
    spectrum : FatSpectrum
        Fat spectrum.
    snr : float
        |W + F| at t = 0 over the noise of one real channel.
    options : RunOptions
        Options of the run: method, preset (T1 of a phantom is unknown), T1 correction.

    Returns
    -------
    list of Finding
        Findings, in no order.
    """
    found = []
    phase_used, t1_corrected, tissue = options.uses_phase, options.t1 is T1.CORRECT, options.preset.tissue
    spacing_ms = 1000 * np.diff(series.te_s)
    sd = expected_precision(series, spectrum, snr, phase_used)["pdff_sd_at_10"]
    if not sd < UNFIT_SD:
        found.append(
            Finding(
                "echo-times-unfit",
                Severity.STOP if not sd < USELESS_SD else Severity.WARN,
                f"With these {series.n_echoes} echo times and SNR {snr:.0f} no method can do better than a PDFF standard "
                f"deviation of {sd:.1f} points a voxel (at PDFF 10 %).",
                advise(
                    "Average over large regions only; for further scans take other echo times (at 1.5 T 1.2 + 2.0 n ms, at 3 T "
                    "1.1 + 1.0 n ms, six echoes) or thicker slices."
                ),
            )
        )
    turns = abs(spectrum.mean_shift_hz(series.field_strength_t)) * spacing_ms / 1000
    if np.all(np.abs(turns - np.round(turns)) < NEAR_PERIOD) and np.all(np.round(turns) >= 1):
        found.append(
            Finding(
                "spacing-near-fat-period",
                Severity.WARN,
                f"Between echoes ({spacing_ms.mean():.2f} ms) fat turns against water by {turns.mean():.2f} turns, nearly "
                "whole ones: fat and water look alike in every echo.",
                advise(
                    "Expect swaps and large uncertainty; for further scans shorten or lengthen the echo spacing by a quarter."
                ),
            )
        )
    found += _missing_echoes(series)
    if phase_used and options.bipolar is Bipolar.AUTO:
        found += _bipolar_open(series, spectrum)
    if snr < LOW_SNR:
        found.append(
            Finding(
                "snr-low",
                Severity.WARN,
                f"The signal is only {snr:.1f} times the noise (median over the body).",
                advise("Use region means and their standard errors, not single voxels."),
            )
        )
    found += [*_t1_bias(series, t1_corrected), *_contrast_agent(series)] if tissue else []
    if phase_used:
        found += _outside_training(series, spacing_ms, snr)
    return found


def _bipolar_open(series: EchoSeries, spectrum: FatSpectrum) -> list[Finding]:
    """Three echoes do not show a phase between odd and even echoes; its harm is that of `UNDETERMINED_RAD`."""
    if series.n_echoes > 3 or series.readout is Readout.MONOPOLAR:
        return []
    te = torch.from_numpy(series.te_s)
    modulation = spectrum.modulation(te, series.field_strength_t)
    phase = UNDETERMINED_RAD * Pattern.ODD_EVEN.of(series.echo_steps).double()
    at = PDFF_PERCENT.index(10.0), R2STAR_PER_S.index(50.0)
    change = abs(float(fitted_from(te, [(modulation, phase)], modulation)[0][at]) - 10.0)
    if change < OPEN_POINTS:
        return []
    stated = series.readout is Readout.BIPOLAR
    return [
        Finding(
            "bipolar-open",
            Severity.WARN if stated else Severity.INFO,
            "Three echoes do not show whether a phase between odd and even echoes is left, as after a bipolar read-out"
            f"{', which the source states' if stated else ''}: {np.degrees(UNDETERMINED_RAD):.0f} degrees would move a PDFF of "
            f"10 % by {change:.0f} points.",
            advise("State that the scanner corrects it or that the read-out is monopolar ({}).", ("bipolar", "no")),
        )
    ]


def _missing_echoes(series: EchoSeries) -> list[Finding]:
    missing = series.missing_echoes
    if not 0 < len(missing) < series.n_echoes - 1:  # more: every second echo was kept, or they number something else
        return []
    numbered = missing != tuple(n + 1 for n in range(series.echo_steps[-1]) if n not in series.echo_steps)
    source = "echo numbers" if numbered else "echo times"
    listed = f"echo{'es' * (len(missing) > 1)} {', '.join(map(str, missing))} {'are' if len(missing) > 1 else 'is'} missing"
    return [
        Finding(
            "echo-missing",
            Severity.WARN,
            f"The {source} leave a gap: {listed}. The polarity of a bipolar read-out follows the echoes that were acquired.",
            advise("Load all echoes of the series."),
        )
    ]


def _t1_bias(series: EchoSeries, corrected: bool) -> list[Finding]:
    weighting = t1_weighting_of(series)
    if weighting is None and series.flip_angle_deg:
        return _t1_bias_of_angle(series)
    if weighting is None or corrected or abs(weighting.apparent(10.0) - 10.0) <= T1_BIAS_POINTS:
        return []
    repetition_ms = 1000 * (series.repetition_time_s or 0)
    return [
        Finding(
            "t1-bias",
            Severity.WARN,
            f"A flip angle of {series.flip_angle_deg:g} degrees at TR {repetition_ms:g} ms favours fat: "
            f"a true PDFF of 10 % reads about {weighting.apparent(10.0):.1f} %.",
            advise(
                "Correct it ({}), or compare only with scans made alike; for further scans lower the flip angle (3 to 5 "
                "degrees).",
                ("t1", "correct"),
            ),
        )
    ]


def _t1_bias_of_angle(series: EchoSeries) -> list[Finding]:
    """T1 weighting of a flip angle whose repetition time is not known, over those of such scans."""
    angle = series.flip_angle_deg or 0.0
    least, most = sorted(T1Weighting.of(angle, tr_s, series.field_strength_t).apparent(10.0) for tr_s in USUAL_TR_S)
    if least - 10.0 <= T1_BIAS_POINTS:
        return []
    return [
        Finding(
            "t1-bias",
            Severity.WARN,
            f"A flip angle of {angle:g} degrees favours fat: a true PDFF of 10 % reads about {least:.1f} to {most:.1f} % at "
            f"TR {1000 * USUAL_TR_S[0]:g} to {1000 * USUAL_TR_S[1]:g} ms; that of the scan is not stated.",
            advise("Give it ({}) and correct the weighting ({}).", "repetition_time_s", ("t1", "correct")),
        )
    ]


def _contrast_agent(series: EchoSeries) -> list[Finding]:
    if not series.contrast_agent:
        return []
    return [
        Finding(
            "contrast-agent",
            Severity.WARN,
            "The scan was made with a contrast agent, which shortens T1 of water and raises R2*: T1 weighting is another one.",
            advise("Compare PDFF and R2* only with scans made alike."),
        )
    ]


def _outside_training(series: EchoSeries, spacing_ms: np.ndarray, snr: float) -> list[Finding]:
    measured = (
        ("echoes", float(series.n_echoes), TRAINED_ECHOES, 1.0),
        ("first echo time (ms)", 1000 * float(series.te_s[0]), TRAINED_TE1_MS, TOLERANCE),
        ("echo spacing (ms)", float(np.median(spacing_ms)), TRAINED_SPACING_MS, TOLERANCE),
        ("field strength (T)", series.field_strength_t, TRAINED_TESLA, TOLERANCE),
        ("SNR", min(snr, TRAINED_SNR[1]), TRAINED_SNR, TOLERANCE),
    )
    outside = [
        f"{name} {value:.3g} (trained {low:g} to {high:g})"
        for name, value, (low, high), slack in measured
        if value * slack < low or value > high * slack
    ]
    if not outside:
        return []
    return [
        Finding(
            "outside-training-range",
            Severity.WARN,
            f"The networks were never trained for {'; '.join(outside)}.",
            advise(
                "Look at the residual and the swap probability before using a number; the stated uncertainty may be too small."
            ),
        )
    ]
