"""Slices that a user chooses, such as '3-20' or '1-4,9'."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..echoes import EchoSeries
from ..errors import InputError

_RANGE = re.compile(r"(\d*)-(\d*)|(\d+)")


def chosen_slices(text: str, count: int) -> list[int]:
    """Numbers of the slices chosen, from 0.

    Parameters
    ----------
    text : str
        Slices and ranges of slices, numbered from 1; an open end stands for the first or last slice.
    count : int
        Slices of the scan.

    Returns
    -------
    list of int
        Rising; all slices for ''.

    Raises
    ------
    InputError
        The text is no list of slices, or names one that the scan has not.
    """
    chosen: set[int] = set()
    joined = re.sub(r"\s*[-\u2013]\s*", "-", text.strip())  # also the dash of a text that was pasted
    for part in filter(None, re.split(r"[,;\s]+", joined)):
        found = _RANGE.fullmatch(part)
        if not found or part == "-":
            raise InputError(f"Slices are '{text}'; numbers and ranges from 1 were expected, as in 3-20 or 1-4,9.")
        first, last = (int(found[3]),) * 2 if found[3] else (int(found[1] or 1), int(found[2] or count))
        if not 1 <= first <= last <= count:
            raise InputError(f"Slices are '{text}'; the scan has slices 1 to {count}. Name some of these, the first one first.")
        chosen |= set(range(first - 1, last))
    return sorted(chosen) or list(range(count))


def with_slices(series: EchoSeries, text: str) -> EchoSeries:
    """Scan without signal in the slices that are not chosen; grid and checksum stay those of the whole scan.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    text : str
        Slices as `chosen_slices` takes them.

    Returns
    -------
    EchoSeries
        The scan itself where all slices are chosen.

    Raises
    ------
    InputError
        As `chosen_slices`.
    """
    slices = chosen_slices(text, series.shape[0])
    if len(slices) == series.shape[0]:
        return series
    echoes = np.zeros_like(series.echoes)
    echoes[:, slices] = series.echoes[:, slices]
    left_out = f"Slices {text} of {series.shape[0]} were estimated, as requested; the others were left out."
    chosen = replace(series, echoes=echoes, notes=(*series.notes, left_out))
    chosen.__dict__["checksum"] = series.checksum  # the same scan, for results to be matched by
    return chosen
