"""Statements of a scan that contradict each other: compared wherever a reader sees both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..echo_checks import PROTON_MHZ_PER_T
from ..echoes import EchoSeries
from ..errors import InputError

SAME_FREQUENCY = 0.08
"""Share by which a field strength may differ from that of the imaging frequency: 2.89 T is written as 3."""
GAUSS_PER_TESLA, LARGEST_TESLA = 10_000, 1000
SAME_NUMBER = 0.02
SMALLEST_FLIP_DEG, LARGEST_FLIP_DEG = 0.5, 180.0
SHORTEST_REPETITION, LONGEST_REPETITION_S = 0.95, 5.0
"""Repetition time, as a share of the last echo time (both are rounded in headers) and in seconds."""


def refuse_other_frequency(field_strength_t: float, imaging_mhz: Sequence[float | None]) -> None:
    """Compare field strength and imaging frequency.

    Parameters
    ----------
    field_strength_t : float, tesla
        As stated.
    imaging_mhz : sequence of float or None
        Imaging frequencies, as stated; None where they are not.

    Raises
    ------
    InputError
        They are of different fields.
    """
    stated = [mhz for mhz in imaging_mhz if mhz]
    if not stated:
        return
    by_frequency = float(np.median(stated)) / PROTON_MHZ_PER_T
    if abs(by_frequency / field_strength_t - 1) > SAME_FREQUENCY:
        raise InputError(
            f"The field strength is stated as {field_strength_t:g} T, but the imaging frequency of {np.median(stated):g} MHz "
            f"is that of {by_frequency:.2f} T. One of them is wrong.",
            advise("Give the right one ({}).", "field_strength_t"),
        )


def refuse_impossible_excitation(series: EchoSeries) -> None:
    """Compare flip angle and repetition time with what a scanner can do, and with the echo times.

    Parameters
    ----------
    series : EchoSeries
        The scan.

    Raises
    ------
    InputError
        The flip angle is none, or the repetition time is shorter than the last echo time or that of no multi-echo scan.
    """
    angle, repetition_s, last_s = series.flip_angle_deg, series.repetition_time_s, float(series.te_s[-1])
    if angle is not None and not SMALLEST_FLIP_DEG <= angle <= LARGEST_FLIP_DEG:
        raise InputError(
            f"The flip angle is stated as {angle:g} degrees; {SMALLEST_FLIP_DEG:g} to {LARGEST_FLIP_DEG:g} were expected. It "
            "may be in radians.",
            advise("Give the right one ({}).", "flip_angle_deg"),
        )
    if repetition_s is not None and not SHORTEST_REPETITION * last_s <= repetition_s <= LONGEST_REPETITION_S:
        raise InputError(
            f"The repetition time is stated as {repetition_s:g} s; more than the last echo time ({last_s:g} s) and at most "
            f"{LONGEST_REPETITION_S:g} s were expected. It may be in another unit than seconds.",
            advise("Give the right one ({}).", "repetition_time_s"),
        )


def refuse_different(name: str, values: Sequence[float | None], option: str = "") -> None:
    """Compare what the files of a scan state of one quantity.

    Parameters
    ----------
    name : str
        The quantity in words.
    values : sequence of float or None
        As each file states it; None where it does not.
    option : str
        Option that overrides it; '' where none does.

    Raises
    ------
    InputError
        Two files differ.
    """
    stated = sorted({value for value in values if value is not None})
    if stated and stated[-1] - stated[0] > SAME_NUMBER * max(abs(stated[0]), abs(stated[-1])):
        listed = ", ".join(f"{value:g}" for value in stated[:6])
        raise InputError(
            f"The files state different values of the {name} ({listed}); images of one scan were expected. Name those of one.",
            advise("Or give the right one ({}).", option) if option else None,
        )


def refuse_other_order(numbers: Sequence[int | None], times: Sequence[float] | None) -> None:
    """Compare echo numbers and echo times.

    Parameters
    ----------
    numbers : sequence of int or None
        Echo numbers, as names or sidecars of the files give them.
    times : sequence of float or None, seconds
        Echo times of the same files.

    Raises
    ------
    InputError
        Their orders contradict each other.
    """
    known = [number for number in numbers if number is not None]
    if times is None or len(known) != len(times) or len(set(known)) != len(known) or min(times, default=0.0) <= 0:
        return
    by_time = [known[n] for n in np.argsort(times, kind="stable")]
    if by_time != sorted(by_time):
        listed = ", ".join(f"{1000 * time:g}" for time in sorted(times))
        raise InputError(
            f"Echo numbers and echo times contradict each other: in the order of the times ({listed} ms) the numbers are "
            f"{', '.join(map(str, by_time))}. One of them is wrong: correct the names or the sidecars."
        )


def refuse_other_unit(sidecar: Mapping[str, Any], phase: npt.NDArray[np.generic], name: str) -> None:
    """Compare the unit of phase that a sidecar states with the values.

    Parameters
    ----------
    sidecar : Mapping
        Content of the sidecar; `Units` is read.
    phase : np.ndarray
        Values.
    name : str
        Name of the file.

    Raises
    ------
    InputError
        The values exceed a turn of the unit.
    """
    unit = str(sidecar.get("Units", "")).strip().lower()
    turns = {"rad": 2 * np.pi, "radian": 2 * np.pi, "radians": 2 * np.pi, "deg": 360.0, "degree": 360.0, "degrees": 360.0}
    span = float(np.max(phase)) - float(np.min(phase))
    if unit in turns and span > 1.02 * turns[unit]:
        raise InputError(
            f"The sidecar of {name} states phase in {unit}, but its values span {span:.4g}, more than a turn.",
            advise("Correct the sidecar, or state the unit ({}).", "phase_unit"),
        )
