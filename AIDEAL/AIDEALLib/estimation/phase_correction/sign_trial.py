"""Rotation sense by trial: a few slices estimated as given and conjugated, and which of the two readings is plausible.

Three echoes leave no residual, and a conjugated scan is fitted as well with water and fat exchanged. What remains is what
tissue allows. R2* of the wrong reading is negative in many voxels: the spectrum of fat has several peaks and that of water one,
and a wrong spectrum is compensated by a growing signal. And fat lies under the skin, water inside. Where both readings agree
(echoes spaced by multiples of half the period of fat) the sense does not matter.

The log-odds are a logistic regression on simulated scans (`Testing/tools/calibrate_sign.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...choices import Method
from ...echoes import EchoSeries
from ...models import Networks
from ...physics.spectrum import FatSpectrum
from ..fusion.learned_settings import LearnedSettings
from ..methods.context import MethodContext
from ..methods.registry import METHODS
from ..slice_estimate import estimate_slice
from ..timing import Stopwatch
from ..voxelwise.slice_input import Scan

SAME_POINTS = 1.0
"""Readings whose PDFF differs by less in a typical voxel (median) agree."""
OTHER_POINTS, OTHER_ERRORS, OTHER_SHARE = 20.0, 4.0, 0.03
"""They do not where more than this share of the voxels differs by so many points and errors: a bottle of fat in water."""
RIM_SHARE, CORE_SHARE = 0.12, 0.35
"""The rim of the body lies within, and its core beyond, these shares of the largest distance from the background."""
MOST_Z = 5.0


@dataclass(frozen=True)
class SignReading:
    """What one rotation sense gives.

    Attributes
    ----------
    pdff_median : float, percent
        Median PDFF of the foreground.
    negative_r2star : float
        Mean of how many standard errors R2* lies below zero, at most `MOST_Z` each.
    rim_minus_core : float, percentage points
        Median PDFF under the skin minus that of the core of the body.
    """

    pdff_median: float
    negative_r2star: float
    rim_minus_core: float


@dataclass(frozen=True)
class SignTrial:
    """Both readings of a few slices.

    Attributes
    ----------
    given, conjugated : SignReading
        Readings of the echoes as given and conjugated.
    difference_points : float, percentage points
        Median over the voxels of the difference of PDFF.
    other_share : float
        Share of the voxels that differ by more than `OTHER_POINTS`, beyond their errors.
    """

    given: SignReading
    conjugated: SignReading
    difference_points: float
    other_share: float = 0.0

    @property
    def agree(self) -> bool:
        """True where the rotation sense does not matter."""
        return self.difference_points < SAME_POINTS and not self.differ_in_part

    @property
    def differ_in_part(self) -> bool:
        """True where part of the body is read otherwise, whatever its typical voxel reads."""
        return self.other_share > OTHER_SHARE

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> SignTrial:
        """Trial from the plain types of its fields."""
        given, conjugated = SignReading(**content["given"]), SignReading(**content["conjugated"])
        return cls(given, conjugated, content["difference_points"], content.get("other_share", 0.0))

    def evidence(self) -> tuple[float, float]:
        """What speaks for conjugation: surplus of negative R2* as given, and surplus of fat under the skin conjugated."""
        a, b = self.given, self.conjugated
        return a.negative_r2star - b.negative_r2star, (b.rim_minus_core - a.rim_minus_core) / 100


def try_both_signs(series: EchoSeries, spectrum: FatSpectrum, networks: Networks) -> SignTrial | None:
    """Estimate slices as given and conjugated with the default method.

    Parameters
    ----------
    series : EchoSeries
        A few slices of the scan.
    spectrum : FatSpectrum
        Fat spectrum.
    networks : Networks
        The networks.

    Returns
    -------
    SignTrial or None
        None where no voxel stands clear of the noise.
    """
    device = next(networks.field.parameters()).device
    context = MethodContext(Stopwatch(device), LearnedSettings.of(networks.settings), networks)
    scan = Scan.of(torch.from_numpy(series.te_s).to(device), series.field_strength_t, spectrum)
    both = [[_maps(series.echoes[:, s], scan, context, c) for s in range(series.shape[0])] for c in (False, True)]
    masks = [m for m, _ in both[0]]
    if not any(mask.any() for mask in masks):
        return None
    pairs = [(a, b) for (_, a), (_, b) in zip(*both, strict=True) if a]
    difference = np.concatenate([np.abs(a["pdff"] - b["pdff"]) for a, b in pairs])
    error = np.concatenate([np.hypot(a["pdff_sd"], b["pdff_sd"]) for a, b in pairs])
    other = (difference > OTHER_POINTS) & (difference > OTHER_ERRORS * error)
    return SignTrial(_reading(both[0]), _reading(both[1]), float(np.median(difference)), float(other.mean()))


_Slice = tuple[npt.NDArray[np.bool_], dict[str, npt.NDArray[np.float32]]]


def _maps(echoes: npt.NDArray[np.complex64], scan: Scan, context: MethodContext, conjugated: bool) -> _Slice:
    tensor = torch.from_numpy(np.conj(echoes) if conjugated else echoes).to(scan.te_s.device)
    with torch.inference_mode():
        found = estimate_slice(tensor, scan, METHODS[Method.REFINED], context, mixed=False)
    return found.mask, found.values


def _reading(slices: list[_Slice]) -> SignReading:
    pdff, z, rim, core = [], [], [], []
    for mask, values in slices:
        if not values:
            continue
        pdff.append(values["pdff"])
        z.append(values["r2star"] / np.maximum(values["r2star_sd"], 1e-3))
        depth = _depth(mask)
        rim.append(values["pdff"][depth < RIM_SHARE])
        core.append(values["pdff"][depth > CORE_SHARE])
    negative = np.clip(-np.concatenate(z), 0.0, MOST_Z)
    inside, outside = np.concatenate(core), np.concatenate(rim)
    contrast = float(np.median(outside) - np.median(inside)) if inside.size and outside.size else 0.0
    return SignReading(float(np.median(np.concatenate(pdff))), float(negative.mean()), contrast)


def _depth(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Distance of each voxel of the mask from the background around the body, as a share of the largest."""
    from scipy.ndimage import binary_fill_holes, distance_transform_edt

    distance = distance_transform_edt(np.pad(binary_fill_holes(mask), 1))[1:-1, 1:-1]
    return np.asarray(distance[mask] / max(float(distance.max()), math.ulp(1.0)))
