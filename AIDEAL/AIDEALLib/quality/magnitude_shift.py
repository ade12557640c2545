"""Finding on phase and magnitudes that contradict each other (`estimation.magnitude_shift`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..choices import T1
from ..estimation.estimated_scan import EstimatedScan
from ..estimation.magnitude_shift import BLOCKS, MagnitudeShift, find_magnitude_shift
from ..estimation.t1_correction import required_t1_weighting
from ..options import RunOptions
from ..statistics.magnitude_readings import CLEAR_ERRORS, joined
from ..statistics.usability import LARGEST_BIAS
from .findings import Finding, Severity

LEAST_CHANGE = 1.5
"""Points; a smaller difference is not worth a finding."""
LEAST_SHARE = 0.12
"""Share of the mostly watery body that has to differ clearly. Simulated scans with ringing, motion, iron, gas and implants
reach 0.06, and 0.11 by `LEAST_CHANGE`, where fat turns by nearly whole turns between echoes; four real ones 0.002."""
GROUPS = (1, 4, BLOCKS)
"""Blocks along rows and columns that are looked at together: small parts may be wrong, and noise may need large ones."""
WATER_PERCENT = (-20.0, 50.0)
"""Fat fractions, as read, of blocks that count."""


def assess_magnitude_shift(
    scan: EstimatedScan, noise_sd: Sequence[float], options: RunOptions
) -> tuple[list[Finding], dict[str, Any]]:
    """Finding on phase and magnitudes that contradict each other, and what magnitudes alone read.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result, estimated from complex echoes.
    noise_sd : sequence of float
        Noise per real channel of each slice, not taken from the fit.
    options : RunOptions
        Options of the run.

    Returns
    -------
    findings : list of Finding
        One, or none.
    readings : dict
        As `statistics.magnitude_readings.MagnitudeReadings` reads them; {} without a finding.
    """
    pdff = scan.maps.pdff
    if options.t1 is T1.CORRECT:  # the echoes hold what was before the correction
        pdff = required_t1_weighting(scan.series).apparent(pdff)
    shift = find_magnitude_shift(scan, pdff, noise_sd)
    if shift is None:
        return [], {}
    water = (shift.pdff > WATER_PERCENT[0]) & (shift.pdff < WATER_PERCENT[1])
    by_size = [_clear_changes(shift, water, size) for size in GROUPS]
    severity, changes = next(
        (
            (severity, changes)
            for severity, points in ((Severity.STOP, LARGEST_BIAS), (Severity.WARN, LEAST_CHANGE))
            for changes in by_size
            if _share(shift, np.abs(changes) > points, water) > LEAST_SHARE
        ),
        (None, None),
    )
    if severity is None or changes is None:
        return [], {}
    clear = changes != 0
    finding = Finding(
        "phase-contradicts",
        severity,
        f"Phase and magnitudes contradict each other: magnitudes alone read fat fractions that differ from the maps by "
        f"{np.median(np.abs(changes[clear])):.1f} points (median) in {100 * _share(shift, clear, water):.0f} % of the body.",
        advise(
            "Check that phase and magnitudes are of one scan, the unit of the phase ({}) and the read-out ({}), and export "
            "unfiltered, unscaled phase; or compare with {}, where PDFF above 50 % is ambiguous.",
            "phase_unit",
            "bipolar",
            ("method", "magnitude"),
        ),
    )
    return [finding], {**_plain(shift), "widespread": severity is Severity.STOP}


def _clear_changes(shift: MagnitudeShift, of: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.float64]:
    """Change of the group of so many blocks along rows and columns that each block is in, 0 where it is not clear."""
    groups, of_block = np.unique(shift.block // np.array([[1], [size], [size]]), axis=1, return_inverse=True)
    changes = np.zeros(len(shift.voxels))
    for group in range(groups.shape[1]):
        here = of & (of_block.ravel() == group)
        change, error = joined(shift.change[here], shift.noise_sd[here] ** -2.0, shift.model_sd[here])
        if abs(change) > CLEAR_ERRORS * error:
            changes[here] = change
    return changes


def _share(shift: MagnitudeShift, chosen: npt.NDArray[np.bool_], of: npt.NDArray[np.bool_]) -> float:
    """Voxels of the chosen blocks over those of others."""
    return float(shift.voxels[chosen].sum() / max(shift.voxels[of].sum(), 1))


def _plain(shift: MagnitudeShift) -> dict[str, Any]:
    slices = np.asarray(shift.slices)[shift.block[0]]
    weight = 1 / (shift.noise_sd**2 * shift.voxels)  # noise_sd is that of the mean of so many voxels
    numbers = zip(shift.change.round(2), weight.round(5), shift.model_sd.round(2), strict=True)
    places = zip(slices.tolist(), *shift.block[1:].tolist(), strict=True)
    return {
        "across": BLOCKS,
        "blocks": [[*place, *map(float, values)] for place, values in zip(places, numbers, strict=True)],
    }
