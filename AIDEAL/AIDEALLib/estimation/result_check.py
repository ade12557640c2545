"""Maps are checked before they leave the estimate; the slices that failed are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from ..errors import ResultError
from ..parameter_maps import MAP_INFO, FloatMap

PROBABILITY_ROUNDING = 1e-4
MOST_LISTED = 8
_UNBOUNDED = ("pdff_sd", "pdff_total_sd", "r2star_sd", "field_sd")
"""Maps that are infinite where the echoes determine nothing."""
_NOT_NEGATIVE = (*_UNBOUNDED, "residual", "swap_probability")


def check_maps(maps: Mapping[str, FloatMap], mask: npt.NDArray[np.bool_]) -> None:
    """Refuse maps with values that no estimate can have.

    Parameters
    ----------
    maps : mapping of str to array, shape (slice, row, column)
        Maps by their names in `MAP_INFO`.
    mask : array, shape (slice, row, column), bool
        Voxels that were estimated.

    Raises
    ------
    ResultError
        Inside the mask a value is NaN, an amplitude, PDFF, R2* or field is infinite, a standard deviation or residual is
        negative, or a probability is not between 0 and 1.
    """
    wrong: dict[str, npt.NDArray[np.bool_]] = {}
    for name, values in maps.items():
        bad = np.isnan(values) if name in _UNBOUNDED else ~np.isfinite(values)
        if name in _NOT_NEGATIVE:
            bad |= values < -PROBABILITY_ROUNDING
        if name == "swap_probability":
            bad |= values > 1 + PROBABILITY_ROUNDING
        bad &= mask
        if bad.any():
            wrong[name] = bad
    if not wrong:
        return
    anywhere = np.any(np.stack(list(wrong.values())), axis=0)
    titles = ", ".join(MAP_INFO[name].title for name in wrong)
    raise ResultError(
        f"The estimate failed in {slices_in_words(np.flatnonzero(anywhere.any(axis=(1, 2))).tolist())}: {int(anywhere.sum())} "
        f"voxel(s) have values that are not finite or out of range ({titles}). The echoes there, or the networks, are damaged; "
        "no result was made."
    )


@contextmanager
def naming_slice(index: int) -> Iterator[None]:
    """Turn an error of the computation of a slice into one that names the slice.

    Raises
    ------
    ResultError
        The computation failed; running out of memory and errors of this project pass unchanged.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError, ArithmeticError) as error:
        if "memory" in str(error).lower():
            raise
        reason = " ".join(str(error).split())[-200:]
        raise ResultError(f"Slice {index + 1} could not be estimated ({type(error).__name__}: {reason}).") from error


def slices_in_words(indices: Sequence[int]) -> str:
    """Numbers of slices from 1, such as 'slice 3' or 'slices 1, 2, 5'."""
    listed = ", ".join(str(index + 1) for index in indices[:MOST_LISTED])
    more = f" and {len(indices) - MOST_LISTED} more" if len(indices) > MOST_LISTED else ""
    return f"slice{'s' * (len(indices) > 1)} {listed}{more}"
