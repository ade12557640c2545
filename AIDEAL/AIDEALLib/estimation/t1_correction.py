"""Correction of finished maps for T1 weighting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..advice import advise
from ..echoes import EchoSeries
from ..errors import InputError
from ..parameter_maps import ParameterMaps
from ..physics.t1_weighting import T1Weighting, t1_values


def t1_weighting_of(series: EchoSeries) -> T1Weighting | None:
    """T1 weighting of a scan, None where its flip angle or repetition time is not known."""
    angle, repetition = series.flip_angle_deg, series.repetition_time_s
    if not angle or not repetition or not (0 < angle < 180 and 0 < repetition < 20):
        return None
    return T1Weighting.of(angle, repetition, series.field_strength_t)


def unknown_weighting(series: EchoSeries) -> str:
    """Sentence on what is not known of the T1 weighting of a scan, '' where all of it is."""
    facts = {"flip angle": series.flip_angle_deg, "repetition time": series.repetition_time_s}
    unknown = " and ".join(name for name, value in facts.items() if not value)
    return f"T1 weighting is not known: the scan does not state its {unknown}." if unknown else ""


def required_t1_weighting(series: EchoSeries) -> T1Weighting:
    """T1 weighting of a scan.

    Raises
    ------
    InputError
        Flip angle or repetition time is not known, or T1 is not, after a contrast agent; the sequence is no spoiled gradient
        echo.
    """
    if series.other_sequence:
        raise InputError(
            f"The correction of T1 weighting is that of a spoiled gradient echo; the scan was made by {series.other_sequence}.",
            advise("Take {}.", ("t1", "no")),
        )
    if series.contrast_agent:
        raise InputError(
            "The correction of T1 weighting needs T1 of liver; after a contrast agent, as the scan was made, it is not known.",
            advise("Take {}, or correct the scan before the contrast agent.", ("t1", "no")),
        )
    weighting = t1_weighting_of(series)
    if weighting is None:
        raise InputError(
            "The correction of T1 weighting needs flip angle and repetition time; the scan does not state them.",
            advise("Give them ({} and {}), or take {}.", "flip_angle_deg", "repetition_time_s", ("t1", "no")),
        )
    return weighting


def with_t1_correction(maps: ParameterMaps, series: EchoSeries) -> ParameterMaps:
    """Correct water, fat, PDFF and its standard deviations for T1 weighting, with T1 of liver and fat from the literature.

    Raises
    ------
    InputError
        Flip angle or repetition time is not known.
    """
    weighting = required_t1_weighting(series)
    total = maps.water + maps.fat
    pdff = np.where(maps.mask, weighting.corrected(maps.pdff), 0).astype(np.float32)
    repetition_ms, t1 = 1000 * (series.repetition_time_s or 0), t1_values(series.field_strength_t)
    note = (
        f"Corrected T1 weighting: flip angle {series.flip_angle_deg:g} degrees, TR {repetition_ms:g} ms; "
        f"PDFF 10 % read {weighting.apparent(10.0):.2f} % before. It holds for a spoiled gradient echo and T1 of "
        f"{1000 * t1.water_s:.0f} ms (liver) and {1000 * t1.fat_s:.0f} ms (fat). "
        "The SD includes the spread of T1 between people."
    )
    return replace(
        maps,
        water=(total * (1 - pdff / 100)).astype(np.float32),
        fat=(total * pdff / 100).astype(np.float32),
        pdff=pdff,
        pdff_sd=np.where(maps.mask, weighting.corrected_sd(maps.pdff, maps.pdff_sd), 0).astype(np.float32),
        pdff_total_sd=np.where(maps.mask, weighting.corrected_sd(maps.pdff, maps.pdff_total_sd), 0).astype(np.float32),
        provenance=replace(maps.provenance, notes=(*maps.provenance.notes, note)),
    )
