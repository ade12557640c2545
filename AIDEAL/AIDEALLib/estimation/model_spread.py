"""How far published variants of the signal model move a fat fraction: what no statistics of a scan can reveal.

Noise-free echoes of one variant at a time are fitted with the model of the run; the difference is what the fat fraction may be
off by. Variants add in quadrature, upward and downward apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries, Readout
from ..physics.signal import synthesise
from ..physics.spectrum import LIVER_NINE_PEAK, SIX_PEAK, FatSpectrum
from ..physics.variable_projection import EchoBasis, fit
from .phase_correction.corrections import PhaseCorrections
from .phase_correction.phase_errors import LEAST_RAD, Pattern, PhaseError
from .t1_correction import t1_weighting_of
from .voxelwise.fat_fraction import pdff_signed
from .voxelwise.gauss_newton import gauss_newton

PDFF_PERCENT = (0.0, 5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 80.0, 100.0)
R2STAR_PER_S = (20.0, 50.0, 150.0, 400.0, 800.0)
STEPS = 40
SPECTRA = (SIX_PEAK, LIVER_NINE_PEAK)
"""Published spectra of triglycerides in liver and adipose tissue."""
UNDETERMINED_RAD = 0.1
"""Odd-even phase of a bipolar read-out of three echoes, which do not determine it."""

Floats = npt.NDArray[np.float64]


def model_spread(
    series: EchoSeries,
    spectrum: FatSpectrum,
    corrections: PhaseCorrections,
    ppm_offset: float = 0.0,
    t1_corrected: bool = False,
) -> dict[str, Any]:
    """Table of what the model leaves open, as `statistics.ModelSpread` takes it.

    Parameters
    ----------
    series : EchoSeries
        The scan: echo times, field strength, read-out, flip angle and repetition time.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    corrections : PhaseCorrections
        Phase errors found and corrected.
    ppm_offset : float, ppm
        Offset of every fat shift in the run.
    t1_corrected : bool
        Whether the maps are corrected for T1 weighting.

    Returns
    -------
    dict
        `pdff` and `r2star` (axes), `low` and `high` (pdff, r2star) in percentage points, and `sources`: what each variant
        contributes, lowest and highest change at 10 % and 50 1/s; T1 is not among them where the scan states no flip angle or
        repetition time.
    """
    te = torch.from_numpy(series.te_s)
    modulation = spectrum.modulation(te, series.field_strength_t)
    truth = np.broadcast_to(np.array(PDFF_PERCENT)[:, None], (len(PDFF_PERCENT), len(R2STAR_PER_S)))
    sources: dict[str, list[Floats]] = {"spectrum": [], "odd-even phase": [], "first-echo phase": []}
    none = torch.zeros(len(te), dtype=torch.float64)
    shifted = [other.shifted(ppm_offset).modulation(te, series.field_strength_t) for other in SPECTRA]
    variants = [("spectrum", other, none) for other in shifted]
    for name, pattern, rad in (
        ("odd-even phase", Pattern.ODD_EVEN, _odd_even_rad(series, corrections)),
        ("first-echo phase", Pattern.FIRST, _open_rad(corrections.first_echo, corrections.applied)),
    ):
        for sign in (-1.0, 1.0) if rad else ():
            variants.append((name, modulation, sign * rad * pattern.of(series.echo_steps).double()))
    for (name, *_), read in zip(
        variants, fitted_from(te, [(true, phase) for _, true, phase in variants], modulation), strict=True
    ):
        sources[name].append(truth - read)
    weighting = t1_weighting_of(series)
    if weighting is not None:
        known = replace(weighting, ratio=1.0) if t1_corrected else weighting  # what is left after a correction is its error
        change, spread = known.corrected(truth) - truth, known.corrected_sd(truth, np.zeros(truth.shape))
        sources["T1"] = [change - spread, change + spread]
    low, high = np.zeros(truth.shape), np.zeros(truth.shape)
    at = PDFF_PERCENT.index(10.0), R2STAR_PER_S.index(50.0)
    stated = {}
    for name, changes in sources.items():
        down, up = (f.reduce([np.zeros(truth.shape), *changes]) for f in (np.minimum, np.maximum))
        low, high = np.hypot(low, down), np.hypot(high, up)
        stated[name] = [round(float(down[at]), 3), round(float(up[at]), 3)]
    return {
        "pdff": list(PDFF_PERCENT),
        "r2star": list(R2STAR_PER_S),
        "low": [[round(-float(v), 3) for v in row] for row in low],
        "high": [[round(float(v), 3) for v in row] for row in high],
        "sources": stated,
    }


def fitted_from(te: torch.Tensor, true: Sequence[tuple[torch.Tensor, torch.Tensor]], modulation: torch.Tensor) -> list[Floats]:
    """Fit noise-free echoes of other models.

    Parameters
    ----------
    te : torch.Tensor, shape (echo,), seconds
        Echo times.
    true : sequence of (torch.Tensor, torch.Tensor), shapes (echo,), complex and radians
        Fat phasor and phase error of the echoes, of each model.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor of the fit.

    Returns
    -------
    list of numpy.ndarray, shape (pdff, r2star), percent
        Fat fraction that is read where the echoes are of each model, on `PDFF_PERCENT` and `R2STAR_PER_S`.
    """
    pdff, r2star = torch.meshgrid(
        torch.tensor(PDFF_PERCENT, dtype=torch.float64), torch.tensor(R2STAR_PER_S, dtype=torch.float64), indexing="ij"
    )
    pdff, r2star = pdff.flatten(), r2star.flatten()
    fat = (pdff / 100).to(torch.complex128)
    echoes = torch.cat(
        [
            synthesise(1 - fat, fat, torch.zeros_like(pdff), r2star, te, phasor)
            * torch.polar(torch.ones_like(phase), phase)[:, None]
            for phasor, phase in true
        ],
        1,
    )
    start = r2star.repeat(len(true))
    basis = EchoBasis.of(te, modulation, torch.float64)
    found = gauss_newton(echoes, torch.zeros_like(start), start, basis, STEPS)
    fitted = fit(echoes, found.field_hz, found.r2star_per_s, basis)
    read: Floats = pdff_signed(fitted.water, fitted.fat).numpy()
    return list(read.reshape(len(true), len(PDFF_PERCENT), len(R2STAR_PER_S)))


def _open_rad(found: PhaseError | None, applied: tuple[PhaseError, ...]) -> float:
    """Phase that may be left: what was found and not corrected, and at least what the search does not resolve."""
    if found is None or found in applied:
        return LEAST_RAD
    return found.size_rad if found.plausible else LEAST_RAD


def _odd_even_rad(series: EchoSeries, corrections: PhaseCorrections) -> float:
    if series.readout is Readout.MONOPOLAR:
        return 0.0
    if series.n_echoes == 3:
        return UNDETERMINED_RAD if series.readout is Readout.BIPOLAR else 0.0
    corrected = any(error.pattern is Pattern.ODD_EVEN for error in corrections.applied) or bool(corrections.by_slice)
    return LEAST_RAD if corrected else _open_rad(corrections.bipolar, corrections.applied)
