"""Whether an echo is missing whose time was given to the next one, so that all later times are a spacing too early."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..echoes import EchoSeries
from ..physics.spectrum import FatSpectrum
from ..physics.variable_projection import EchoBasis
from .fat_shift import log_residual
from .phase_correction.phase_errors import MIN_ECHOES
from .voxelwise.bright_sample import best_fit, body_sample

SAMPLE_VOXELS = 120


@dataclass(frozen=True)
class LostEcho:
    """The place of the gap that fits best.

    Attributes
    ----------
    after : int
        Echo before the gap, numbered from 1.
    gain : float
        Factor by which the residual of a typical voxel falls with the later times a spacing later (geometric mean).
    z : float
        Logarithm of `gain` in its standard errors.
    """

    after: int
    gain: float
    z: float


def find_lost_echo(corrected: EchoSeries, spectrum: FatSpectrum) -> LostEcho | None:
    """Search the gap in the train of echoes that leaves the least residual.

    Parameters
    ----------
    corrected : EchoSeries
        A few slices with their phase errors corrected.
    spectrum : FatSpectrum
        Fat spectrum of the run.

    Returns
    -------
    LostEcho or None
        None for three echoes, which leave no residual, and without signal. A first echo that is missing moves all times alike,
        which the residual does not show.
    """
    sample = body_sample(corrected, spectrum, SAMPLE_VOXELS) if corrected.n_echoes >= MIN_ECHOES else None
    if sample is None:
        return None
    before = log_residual(best_fit(sample)[2].residual_energy)
    spacing_s = float(np.median(np.diff(corrected.te_s)))
    best: LostEcho | None = None
    for after in range(1, corrected.n_echoes):
        te = sample.te_s.clone()
        te[after:] += spacing_s
        modulation = spectrum.modulation(te, corrected.field_strength_t)
        later = replace(sample, te_s=te, modulation=modulation, basis=EchoBasis.of(te, modulation))
        gains = before - log_residual(best_fit(later)[2].residual_energy)
        mean, error = float(gains.mean()), float(gains.std()) / math.sqrt(gains.numel()) + 1e-9
        if best is None or math.exp(mean) > best.gain:
            best = LostEcho(after, math.exp(mean), mean / error)
    return best
