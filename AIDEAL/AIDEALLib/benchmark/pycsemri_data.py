"""What all adapters to PyCSEMRI share: its data layout, the fat model in its units, and its complex fit.

PyCSEMRI (PyPI `pycsemri`, MPL-2.0) is the Python form of the ISMRM fat-water toolbox. It is used as it is, and not changed.
Settings were found on noise-free voxels of known truth, version 0.2.7: frequencies in ppm as here (negative: below water), data
as here for the look-up table and the complex fit.
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
from .method import NotInstalled

Image = npt.NDArray[Any]


def pycsemri(name: str) -> ModuleType:
    """One of its modules.

    Raises
    ------
    NotInstalled
        When the package is missing.
    """
    from importlib import import_module

    try:
        return import_module(f"pycsemri.{name}")
    except ImportError as error:
        raise NotInstalled("pip install pycsemri") from error


def version() -> str:
    """Of the installed package."""
    return metadata.version("pycsemri")


def species(scalar_water: bool) -> list[dict[str, Any]]:
    """Water and fat; the graph cut takes the amplitude of water as a number and fails on a list, the others take a list."""
    fat = {"frequency": np.array(SIX_PEAK.ppm), "relAmps": np.array(SIX_PEAK.amplitudes)}
    return [{"frequency": np.array([0.0]), "relAmps": 1.0 if scalar_water else [1.0]}, fat]


def data(series: EchoSeries, images: Image, clockwise: int) -> dict[str, Any]:
    """Its `imDataParams`."""
    return {
        "images": images,
        "TE": np.array(series.te_s),
        "FieldStrength": series.field_strength_t,
        "PrecessionIsClockwise": clockwise,
    }


def slice_images(series: EchoSeries, index: int) -> Image:
    """One slice as (row, column, echo), complex128."""
    return np.ascontiguousarray(np.moveaxis(series.echoes[:, index], 0, -1), dtype=np.complex128)


def complex_fit(series: EchoSeries, images: Image, field_hz: Image) -> tuple[Image, ...]:
    """Its voxelwise complex least squares from a field map: water, fat, field and R2*, (row, column) each."""
    fitting = pycsemri("fwFit_ComplexLS_1r2star")
    start = {"fm": field_hz, "masksignal": np.ones(field_hz.shape)}
    algorithm = {"species": species(scalar_water=False), "NUM_FMS": 81}
    found = fitting.fwFit_ComplexLS_1r2star(data(series, images, 1), algorithm, start)
    return found["water_amp"], found["fat_amp"], found["fm"], found["r2starmap"]


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keep its compiled parts from writing to the standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)
