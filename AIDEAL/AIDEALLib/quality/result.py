"""Findings from the finished maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..model_files import BUNDLED
from ..parameter_maps import ParameterMaps, Provenance
from ..physics.spectrum import FatSpectrum
from ..statistics import LowConfidence
from ..statistics.usability import (
    GROWTH_R2STAR_PER_S,
    UNUSABLE_PERCENT,
    UNUSABLE_TIMES_EXPECTED,
    expected_residual,
    misfit,
    misfit_points,
)
from .findings import Finding, Severity, rows_and_columns, slices_of
from .usability import left_of_noise, sensitivity

SWAP_PROBABILITY = 0.3
SWAP_REGION_VOXELS = 20
MOST_REGIONS = 5
RESIDUAL_PERCENT, RESIDUAL_TIMES_EXPECTED, RESIDUAL_SHARE = 6.0, 2.5, 0.12
"""A voxel fits badly when its residual is above this many percent and this many times what noise explains; warn when this share
of the body does."""
RESIDUAL_POINTS = 2.0
"""Warn as well where the misfit of the body stands for more (`statistics.usability.misfit_points`); clean scans reach 1.7."""
STEEP_SHARE_OF_FAT_SHIFT, STEEP_SHARE_OF_BODY = 0.3, 0.04
HIGHEST_R2STAR_PER_S, HIGHEST_SHARE = 1200.0, 0.005


def assess_maps(maps: ParameterMaps, spectrum: FatSpectrum, noise_sd: Sequence[float]) -> list[Finding]:
    """Findings from the finished maps.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    noise_sd : sequence of float
        Noise per real channel of each slice, not taken from the fit.

    Returns
    -------
    list of Finding
        Findings, in no order.
    """
    if not maps.mask.any():
        return []
    return _residual(maps, spectrum, noise_sd) + _swaps(maps) + _steep(maps, spectrum) + _r2star(maps)


def assess_magnitude_fit(maps: ParameterMaps | None) -> list[Finding]:
    """What a reader of an estimate from magnitudes alone should know, with its extent where there are maps."""
    extent: dict[str, Any] = {}
    share = "."
    if maps is not None and maps.mask.any():
        unsure = maps.mask & (maps.swap_probability > SWAP_PROBABILITY)
        share = f"; that is so in {100 * unsure.sum() / maps.mask.sum():.0f} % of the body (swap probability above 0.3)."
        extent = {"slices": slices_of(unsure), "voxels": int(unsure.sum()), "area_mm2": _area(maps, unsure)}
    return [
        Finding(
            "magnitude-fit",
            Severity.WARN,
            f"Estimated from magnitudes alone: PDFF above 50 % cannot always be distinguished from PDFF below{share}",
            advise("Leave out voxels with a high swap probability; export phase images wherever the scanner has them."),
            **extent,
        )
    ]


def assess_networks(provenance: Provenance) -> list[Finding]:
    """Name networks that are not the bundled ones."""
    other = {name: checksum for name, checksum in provenance.models.items() if BUNDLED.get(name) != checksum}
    if not other:
        return []
    return [
        Finding(
            "networks-other",
            Severity.WARN,
            f"Estimated with networks that are not the bundled ones ({', '.join(f'{n} {c[:12]}' for n, c in other.items())}).",
            advise("The validation is not valid for them; compare a scan of known fat with the bundled networks first."),
        )
    ]


def _residual(maps: ParameterMaps, spectrum: FatSpectrum, noise_sd: Sequence[float]) -> list[Finding]:
    echoes, mask = len(maps.provenance.te_s), maps.mask
    if echoes < 4:
        return []
    noise = np.broadcast_to(np.asarray(noise_sd, dtype=np.float64)[:, None, None], mask.shape)[mask]
    expected = expected_residual(maps, noise * left_of_noise(echoes), maps.provenance.te_s, mask)
    percent, times = misfit(maps, mask, expected)
    if percent > UNUSABLE_PERCENT and times > UNUSABLE_TIMES_EXPECTED:
        return [
            Finding(
                "model-not-followed",
                Severity.STOP,
                f"The echoes do not follow the model: the misfit of a typical voxel is {percent:.0f} % of the signal, "
                f"{times:.1f} times what noise explains. No number of this run means anything.",
                advise(
                    "Check the order of the echoes and the echo times ({}), the unit of the phase ({}), and that all images "
                    "are of one scan.",
                    "te_s",
                    "phase_unit",
                ),
            )
        ]
    bad = np.zeros_like(mask)
    bad[mask] = (maps.residual[mask] > RESIDUAL_PERCENT) & (maps.residual[mask] > RESIDUAL_TIMES_EXPECTED * expected)
    share = bad.sum() / mask.sum()
    typical = float(np.median(maps.pdff[mask])), float(np.median(maps.r2star[mask]))
    points = misfit_points(sensitivity(maps.provenance, spectrum), *typical, percent, times)
    if share <= RESIDUAL_SHARE and percent <= 4 * RESIDUAL_PERCENT and points <= RESIDUAL_POINTS:
        return []
    return [
        Finding(
            "residual-structured",
            Severity.WARN,
            f"The echoes do not follow the model in {100 * share:.0f} % of the body: the misfit there is above "
            f"{RESIDUAL_PERCENT:g} % of the signal and {RESIDUAL_TIMES_EXPECTED:g} times what noise explains "
            f"(median over the body {percent:.1f} %, which as noise would let PDFF vary by {points:.1f} points).",
            advise(
                "Look at the residual map. Wrong echo times, phase unit, read-out or rotation sense do this, and motion and "
                "flow."
            ),
            slices=slices_of(bad),
            voxels=int(bad.sum()),
            area_mm2=_area(maps, bad),
        )
    ]


def _swaps(maps: ParameterMaps) -> list[Finding]:
    suspect = maps.mask & (maps.swap_probability > SWAP_PROBABILITY)
    if suspect.sum() < SWAP_REGION_VOXELS:
        return []
    from scipy.ndimage import find_objects, label

    labels, count = label(suspect)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    places = find_objects(labels)
    found = []
    for region in np.argsort(-sizes)[:MOST_REGIONS]:
        if sizes[region] < SWAP_REGION_VOXELS:
            break
        here = labels == region + 1
        _, y, x = places[region]
        box = (y.start, y.stop - 1, x.start, x.stop - 1)
        slices = slices_of(here)
        found.append(
            Finding(
                "swap-suspect",
                Severity.WARN,
                f"Water and fat may be swapped in a region of {_area(maps, here):.0f} mm2 (slices {slices[0] + 1} to "
                f"{slices[-1] + 1}{rows_and_columns(box)}).",
                advise("Leave the region out, or compare its PDFF with what the tissue around it shows."),
                slices=slices,
                voxels=int(sizes[region]),
                area_mm2=_area(maps, here),
                box=box,
            )
        )
    return found


def _steep(maps: ParameterMaps, spectrum: FatSpectrum) -> list[Finding]:
    te = np.asarray(maps.provenance.te_s)
    period = 1.0 / float(np.diff(te).min())
    limit = STEEP_SHARE_OF_FAT_SHIFT * abs(spectrum.mean_shift_hz(maps.provenance.field_strength_t))
    limit = min(limit, 0.25 * period)
    steep = np.zeros(maps.mask.shape, dtype=bool)
    for axis in (1, 2):
        step = np.diff(maps.field, axis=axis)
        step -= period * np.round(step / period)
        both = np.take(maps.mask, range(1, maps.mask.shape[axis]), axis) & np.take(
            maps.mask, range(maps.mask.shape[axis] - 1), axis
        )
        index = [slice(None)] * 3
        index[axis] = slice(1, None)
        steep[tuple(index)] |= both & (np.abs(step) > limit)
    steep &= LowConfidence().select(maps)  # a steep field that the estimate follows does no harm
    share = steep.sum() / maps.mask.sum()
    if share <= STEEP_SHARE_OF_BODY:
        return []
    return [
        Finding(
            "field-steep",
            Severity.WARN,
            f"The field changes by more than {limit:.0f} Hz from voxel to voxel in {100 * share:.1f} % of the body (dome of "
            "the liver, gas, metal).",
            advise("Signal is lost there and swaps are likely; leave these slices ({}) or edges out.", "slices"),
            slices=slices_of(steep),
            voxels=int(steep.sum()),
            area_mm2=_area(maps, steep),
        )
    ]


def _r2star(maps: ParameterMaps) -> list[Finding]:
    typical = float(np.median(maps.r2star[maps.mask]))
    if typical < GROWTH_R2STAR_PER_S:
        return [
            Finding(
                "signal-grows",
                Severity.STOP,
                f"R2* is {typical:.0f} 1/s in a typical voxel: the signal grows from echo to echo. No number of this run means "
                "anything.",
                advise("The echoes are in the wrong order, or their scale differs: check the echo times ({}).", "te_s"),
            )
        ]
    high = maps.mask & (maps.r2star > HIGHEST_R2STAR_PER_S)
    if high.sum() <= HIGHEST_SHARE * maps.mask.sum():
        return []
    first_ms = 1000 * maps.provenance.te_s[0]
    return [
        Finding(
            "r2star-limit",
            Severity.WARN,
            f"R2* is above {HIGHEST_R2STAR_PER_S:g} 1/s in {100 * high.sum() / maps.mask.sum():.1f} % of the body, the end "
            f"of what a first echo at {first_ms:.2g} ms can measure.",
            advise("Iron overload: PDFF cannot be relied on there; repeat with a shorter first echo and spacing."),
            slices=slices_of(high),
            voxels=int(high.sum()),
            area_mm2=_area(maps, high),
        )
    ]


def _area(maps: ParameterMaps, where: npt.NDArray[np.bool_]) -> float:
    column, row, _ = maps.geometry.spacing_mm
    return round(float(where.sum()) * column * row, 1)
