"""Rotation sense of the phase of a scan: as the model assumes, or conjugated. The residual of voxelwise fits decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch

from ...echoes import EchoSeries, PhaseSign
from ...physics.spectrum import FatSpectrum
from ..voxelwise.bright_sample import ProfileGrid, Sample, fits_of_two_minima, foreground_voxels, random_voxels, sample_of

DECISIVE_GAIN, DECISIVE_Z = 1.02, 6.0
"""The residual of a typical voxel must fall by this factor and by this many standard errors before the sign counts as decided.
Voxels of one species fit both ways: the minority with both decides, so all voxels are compared one by one."""
SAMPLE_VOXELS = 3000
GRID = ProfileGrid(bins=48, r2star_per_s=(20.0, 80.0, 250.0), apart=4)
_FLOOR = 1e-6
"""Residual energy, as a share of the signal's, that counts as none."""


@dataclass(frozen=True)
class SignDecision:
    """Rotation sense of a scan and the evidence for it.

    Attributes
    ----------
    sign : PhaseSign
        The sign chosen.
    residual_as_given, residual_conjugated : float, percent of the signal
        Median residual for either sign.
    decided : bool
        Whether the data decided it.
    reason : str
        The evidence in words.
    """

    sign: PhaseSign
    residual_as_given: float
    residual_conjugated: float
    decided: bool
    reason: str


def decide_sign(series: EchoSeries, spectrum: FatSpectrum) -> SignDecision:
    """Fit a sample of voxels as given and conjugated and take the sign that fits better.

    Where the two differ too little (three echoes leave no residual; a scan without fat fits both ways) the sign that the source
    states is taken, and the data as given where it states none; `decided` is then False.

    Parameters
    ----------
    series : EchoSeries
        The scan, or a few of its slices.
    spectrum : FatSpectrum
        Fat spectrum.

    Returns
    -------
    SignDecision
        The sign and the evidence.
    """
    sample = _sample(series, spectrum)
    conjugate = replace(sample, echoes=sample.echoes.conj().resolve_conj())
    shares = [_residual_share(s) for s in (sample, conjugate)]
    given, mirrored = (100 * float(share.sqrt().median()) for share in shares)
    gain = 0.5 * torch.log((shares[0] + _FLOOR) / (shares[1] + _FLOOR))  # positive: conjugated fits better
    mean = float(gain.mean())
    z = abs(mean) / (float(gain.std()) / max(gain.numel(), 1) ** 0.5 + 1e-9) if gain.numel() > 1 else 0.0
    as_model, conjugated = PhaseSign.AS_MODEL, PhaseSign.CONJUGATED
    residuals = f"residual {given:.3g} % as given, {mirrored:.3g} % conjugated"
    if series.n_echoes > 3 and abs(mean) > math.log(DECISIVE_GAIN) and z > DECISIVE_Z:
        return SignDecision(conjugated if mean > 0 else as_model, given, mirrored, True, residuals)
    stated = series.phase_sign
    reason = f"undecided by the {residuals}; " + (f"taken from the source: {stated.value}" if stated else "taken as given")
    return SignDecision(stated or as_model, given, mirrored, False, reason)


def _sample(series: EchoSeries, spectrum: FatSpectrum) -> Sample:
    found = foreground_voxels(series)
    if found is None:
        everything = torch.from_numpy(series.echoes).flatten(1)
        found = everything, torch.zeros(2, everything.shape[1])
    voxels, place = found
    pick = random_voxels(voxels.shape[1], SAMPLE_VOXELS)
    return sample_of(series, spectrum, voxels[:, pick], place[:, pick])


def _residual_share(sample: Sample) -> torch.Tensor:
    """Residual energy over signal energy, (voxels,)."""
    (_, first), (_, second) = fits_of_two_minima(sample, GRID)
    left = torch.minimum(first.residual_energy, second.residual_energy)
    return left.clamp_min(0) / sample.echoes.abs().square().sum(0).clamp_min(1e-30)
