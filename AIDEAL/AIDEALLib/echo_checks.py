"""What echoes, echo times and field strength have to be: each check raises an error with what was found and expected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .advice import advise
from .errors import InputError

MIN_ECHOES = 3
FIELD_STRENGTH_RANGE_T = (0.05, 12.0)
SHORTEST_PLAUSIBLE_TE_S = 1e-5
"""The shortest echo time, and step between echoes, of any scanner is above this."""
LONGEST_PLAUSIBLE_TE_S = 0.2
"""Gradient-echo protocols for fat end below 0.05 s; anything above 0.2 s is a time in another unit."""
PROTON_MHZ_PER_T = 42.577
_UNITS = (("milliseconds", "ms", 1e-3), ("microseconds", "us", 1e-6))
LARGEST_VALUE = 7e11
"""Of real and imaginary part, so that no magnitude exceeds 1e12."""


def other_unit(times: Sequence[float]) -> tuple[str, str, float] | None:
    """Unit other than seconds that all times are in.

    Parameters
    ----------
    times : sequence of float
        Echo times in a unit that is not stated.

    Returns
    -------
    tuple of (str, str, float), or None
        Name, symbol and length in seconds of the unit; None where the times may be seconds, or no unit makes all of them
        plausible.
    """
    if not times or max(times) <= LONGEST_PLAUSIBLE_TE_S:
        return None
    for unit in _UNITS:
        seconds = [time * unit[2] for time in times]
        if all(1e-4 < t <= LONGEST_PLAUSIBLE_TE_S for t in seconds):
            return unit
    return None


def check_echo_times(te: npt.NDArray[np.float64]) -> None:
    """Raise `InputError` unless the echo times, in seconds, are enough, plausible and rising."""
    listed = ", ".join(f"{t:g}" for t in te.ravel())
    if te.ndim != 1 or te.size < MIN_ECHOES:
        raise InputError(
            f"Found {te.size} echo time(s) ({listed}); water, fat, field and R2* need at least {MIN_ECHOES} echoes. "
            "Load all echoes of the series."
        )
    if not np.all(np.isfinite(te)) or np.any(te <= 0):
        raise InputError(
            f"Echo times are {listed} s; all must be positive and finite.",
            advise("Give the right ones ({}).", "te_s"),
        )
    if np.any(te > LONGEST_PLAUSIBLE_TE_S):
        unit = other_unit([float(t) for t in te])
        if unit is None:
            raise InputError(
                f"Echo times are {listed}; seconds were expected (0.0013 for 1.3 ms), none above {LONGEST_PLAUSIBLE_TE_S:g}.",
                advise("Give the right ones ({}).", "te_s"),
            )
        raise InputError(
            f"Echo times are {listed}; they look like {unit[0]}, seconds were expected (0.0013 for 1.3 ms). Multiply them by "
            f"{unit[2]:g}."
        )
    if te.min() < SHORTEST_PLAUSIBLE_TE_S or (
        np.any(np.abs(np.diff(te)) < SHORTEST_PLAUSIBLE_TE_S) and np.all(np.diff(te) != 0)
    ):
        raise InputError(
            f"Echo times are {listed} s; no scanner has any, or steps between them, below {SHORTEST_PLAUSIBLE_TE_S:g} s.",
            advise("Give the right ones ({}).", "te_s"),
        )
    for n in np.flatnonzero(np.diff(te) == 0):
        raise InputError(
            f"Echoes {n + 1} and {n + 2} share the echo time {te[n]:g} s ({listed}); each was expected to have its own. The "
            "times are wrong, or images of two scans are mixed.",
            advise("Give the right ones ({}), or load the images of one scan.", "te_s"),
        )
    if np.any(np.diff(te) <= 0):
        raise InputError(f"Echo times are {listed} s; they must rise from echo to echo. Sort the echoes.")


def check_field_strength(field_strength_t: float) -> None:
    """Raise `InputError` unless the field strength, in tesla, is that of a scanner."""
    low, high = FIELD_STRENGTH_RANGE_T
    if not (np.isfinite(field_strength_t) and low <= field_strength_t <= high):
        units = (("gauss", 1e-4), ("MHz, the imaging frequency", 1 / PROTON_MHZ_PER_T))
        like = (f"; it looks like {unit} ({per_t * field_strength_t:.3g} T)" for unit, per_t in units)
        hint = next((text for text, (_, per_t) in zip(like, units, strict=True) if low < per_t * field_strength_t < high), "")
        raise InputError(
            f"Field strength is {field_strength_t:g}; a value in tesla between {low:g} and {high:g} was expected "
            f"(1.5 or 3 on most scanners){hint}.",
            advise("Give the right one ({}).", "field_strength_t"),
        )


def check_echoes(echoes: npt.NDArray[np.complex64], n_echo_times: int) -> None:
    """Raise `InputError` unless the echoes are an array (echo, slice, row, column) of finite signal, one image an echo time."""
    if echoes.ndim == 5 and echoes.shape[-1] == 2:
        raise InputError(
            f"The echo array has shape {echoes.shape}; its last axis may hold real and imaginary parts, and one complex array "
            "(echo, slice, row, column) was expected. Join them."
        )
    if echoes.ndim != 4 or 0 in echoes.shape:
        raise InputError(
            f"The echo array has shape {echoes.shape}; (echo, slice, row, column) was expected, none of them empty. "
            "Add an axis of length 1 for a single slice."
        )
    if echoes.shape[0] != n_echo_times:
        shape = f" The array is of shape {echoes.shape}; (echo, slice, row, column) was expected."
        raise InputError(
            f"Found {echoes.shape[0]} echo images but {n_echo_times} echo times; one time per image was expected."
            + shape * (echoes.shape[-1] == n_echo_times),
            advise("Load every echo, or give the times ({}).", "te_s"),
        )
    if not np.iscomplexobj(echoes) and np.any(echoes < 0):
        raise InputError(
            f"The echoes are real ({echoes.dtype}) with values below 0; complex echoes, or magnitudes, were expected. "
            "Load the imaginary (or phase) images too."
        )
    for number, echo in enumerate(echoes, start=1):
        if not np.all(np.isfinite(echo)):
            bad = int(np.size(echo) - np.count_nonzero(np.isfinite(echo)))
            raise InputError(
                f"Echo {number} has {bad} voxel(s) that are NaN or infinite; all must be finite. Repair or re-export it."
            )
        largest = float(np.abs(np.ascontiguousarray(echo).view(echo.real.dtype)).max())
        if largest > LARGEST_VALUE:
            raise InputError(
                f"Echo {number} has values up to {largest:.3g}; no scanner stores any above {LARGEST_VALUE:g}. The file is "
                "damaged; export it again."
            )
        if not np.any(echo):
            raise InputError(
                f"Echo {number} is zero in every voxel; signal was expected. Re-export the series or leave that echo out."
            )
