"""Adapter to PyCSEMRI: its data layout, the fat model in its units, and its complex fit.

PyCSEMRI (PyPI `pycsemri`, MPL-2.0) is the Python form of the ISMRM fat-water toolbox; it is used unchanged. Settings were found
on noise-free voxels of known truth, version 0.2.7: frequencies in ppm with the sign used here (negative: below water), echoes
with the sign used here for the look-up table and the complex fit.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib import metadata
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries
from ..physics.spectrum import SIX_PEAK
from .method import Unavailable

Image = npt.NDArray[Any]


def pycsemri(name: str) -> ModuleType:
    """Import a module of PyCSEMRI.

    Parameters
    ----------
    name : str
        Name of the module.

    Returns
    -------
    module
        The module.

    Raises
    ------
    Unavailable
        The package is missing.
    """
    from importlib import import_module

    try:
        return import_module(f"pycsemri.{name}")
    except ImportError as error:
        raise Unavailable("not installed: pip install pycsemri") from error


def version() -> str:
    """Version of the installed package."""
    return metadata.version("pycsemri")


def species(scalar_water: bool) -> list[dict[str, Any]]:
    """Water and fat; the graph cut requires the amplitude of water as a number, the other functions as a list."""
    fat = {"frequency": np.array(SIX_PEAK.ppm), "relAmps": np.array(SIX_PEAK.amplitudes)}
    return [{"frequency": np.array([0.0]), "relAmps": 1.0 if scalar_water else [1.0]}, fat]


def data(series: EchoSeries, images: Image, clockwise: int) -> dict[str, Any]:
    """Structure `imDataParams` of PyCSEMRI.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    images : numpy.ndarray
        Echoes in the axes that the function expects.
    clockwise : int
        PrecessionIsClockwise, 1 or -1.

    Returns
    -------
    dict
        The structure.
    """
    return {
        "images": images,
        "TE": np.array(series.te_s),
        "FieldStrength": series.field_strength_t,
        "PrecessionIsClockwise": clockwise,
    }


def slice_images(series: EchoSeries, index: int) -> Image:
    """Echoes of one slice, (row, column, echo), complex128."""
    return np.ascontiguousarray(np.moveaxis(series.echoes[:, index], 0, -1), dtype=np.complex128)


def complex_fit(series: EchoSeries, images: Image, field_hz: Image) -> tuple[Image, ...]:
    """Voxelwise complex least squares of PyCSEMRI, started from a field map.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    images : numpy.ndarray, shape (row, column, echo), complex128
        Echoes of one slice.
    field_hz : numpy.ndarray, shape (row, column), Hz
        Initial off-resonance.

    Returns
    -------
    tuple of numpy.ndarray, each (row, column)
        Water and fat (complex), off-resonance (Hz) and R2* (1/s).
    """
    fitting = pycsemri("fwFit_ComplexLS_1r2star")
    start = {"fm": field_hz, "masksignal": np.ones(field_hz.shape)}
    algorithm = {"species": species(scalar_water=False), "NUM_FMS": 81}
    found = fitting.fwFit_ComplexLS_1r2star(data(series, images, 1), algorithm, start)
    return found["water_amp"], found["fat_amp"], found["fm"], found["r2starmap"]


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Discard what its compiled parts write to the standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
