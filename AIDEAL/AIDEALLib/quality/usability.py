"""What statistics have to know of a run about regions whose numbers are withheld (`statistics.usability`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..estimation.model_spread import PDFF_PERCENT, R2STAR_PER_S
from ..parameter_maps import ParameterMaps, Provenance
from ..physics.cramer_rao import cramer_rao
from ..physics.signal import residual_degrees_of_freedom
from ..physics.spectrum import FatSpectrum
from .findings import Finding, Severity

MISFIT = ("model-not-followed", "signal-grows")
"""Findings that put the whole body in doubt, of which a region may be free."""
BIAS = ("fat-shift", "fat-phase")
"""Findings whose harm depends on the fat fraction, where it is known."""
SINGLE_ECHOES = ("bipolar-uncorrected", "first-echo-phase", "gain-step")
"""Findings whose harm depends on fat fraction and place, where it is known."""
CONTRADICTION = ("phase-contradicts",)
"""Finding whose harm is known block by block."""
REASONS = {
    "magnitude-only": "phase is missing",
    "phase-constant": "phase is the same in all echoes",
    "phase-not-phase": "phase images hold no phase",
    "parts-offset": "real and imaginary images have an offset",
    "phase-scale": "phase has a wrong scale",
    "phase-filtered": "phase was filtered",
    "sign-contradicts": "rotation sense of the phase is wrong",
    "sign-undecided": "rotation sense of the phase is open",
    "echo-times-unfit": "echo times do not determine PDFF",
    "fat-shift": "echo times or field strength are wrong",
    "fat-phase": "echo times or phases are wrong",
    "echo-lost": "an echo is missing and later ones have wrong times",
    "imaginary-scale": "real and imaginary parts differ in scale",
}
"""Why no region has a number, in a few words, by code of a finding that stops."""


def usability_of(
    maps: ParameterMaps, spectrum: FatSpectrum, noise_sd: Sequence[float], findings: Sequence[Finding], harm: dict[str, Any]
) -> dict[str, Any]:
    """What statistics need to know of regions without a number (`statistics.Usability`), in plain types.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    noise_sd : sequence of float
        Noise per real channel of each slice, not taken from the fit.
    findings : sequence of Finding
        Findings of the scan and its maps.
    harm : dict
        `bias`, fat fractions that a wrong protocol lets read, and true ones (`fat_shift.assess_fat_shift`), or `echo_error`
        (`echo_errors.assess_echo_error`); and `magnitudes`, what these alone read (`magnitude_shift.assess_magnitude_shift`).

    Returns
    -------
    dict
    """
    stops = {f.code: f for f in findings if f.severity is Severity.STOP}
    known = {"bias": BIAS, "echo_error": SINGLE_ECHOES, "magnitudes": CONTRADICTION}
    by_region = (*MISFIT, *(code for name, codes in known.items() if harm.get(name) for code in codes))
    general = [f for code, f in stops.items() if code not in by_region]
    echoes = len(maps.provenance.te_s)
    noise = [sd for sd, here in zip(noise_sd, maps.mask, strict=True) if here.any()]
    return {
        "everywhere": REASONS.get(general[0].code, general[0].code) if general else "",
        "doubtful": any(code in MISFIT for code in stops),
        "noise_left": float(np.median(noise)) * left_of_noise(echoes) if noise and echoes > 3 else 0.0,
        "sensitivity": sensitivity(maps.provenance, spectrum) if echoes > 3 else [],
        **{name: harm.get(name, {}) for name in known},
    }


def sensitivity(provenance: Provenance, spectrum: FatSpectrum) -> list[list[float]]:
    """SD of PDFF that a misfit of one percent stands for, if it is noise: rows of PDFF (percent), R2* (1/s), SD (points)."""
    pdff, r2star = torch.meshgrid(torch.tensor(PDFF_PERCENT), torch.tensor(R2STAR_PER_S), indexing="ij")
    te = torch.tensor(provenance.te_s, dtype=torch.float64)
    energy = torch.exp(-2 * r2star[..., None] * te).sum(-1)
    snr = 100 * torch.sqrt(residual_degrees_of_freedom(len(te)) / energy)
    points = cramer_rao(pdff, r2star, snr, te, provenance.field_strength_t, spectrum).pdff_sd
    return torch.stack([pdff, r2star, points], -1).reshape(-1, 3).round(decimals=3).tolist()


def left_of_noise(echoes: int) -> float:
    """Root mean square per echo that a fit leaves of noise, in its standard deviations per real channel."""
    return math.sqrt(residual_degrees_of_freedom(echoes) / echoes)
