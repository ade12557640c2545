"""Multi-scale graph cut of mri-fatwater.

The package (PyPI `mri-fatwater`, GPL-3.0) is used unchanged. Its releases ask for Python 3.14; version 1.2.2 runs from 3.12 on.
Settings were found on noise-free voxels of known truth: frequencies in ppm from water, echoes with the sign used here.
"""

from __future__ import annotations

import contextlib
import io
from importlib import import_module, metadata

import numpy as np

from ..echoes import EchoSeries
from ..errors import InputError
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import GYROMAGNETIC_RATIO_HZ_PER_T, SIX_PEAK
from .method import Unavailable
from .plain_maps import plain_maps

LARGEST_R2STAR_PER_S = 500.0
OUTPUT = ("ip", "ff", "B0map", "R2map")
"""|W + F|, fat fraction (%), off-resonance (ppm) and R2* (1/s)."""


class MultiScaleGraphCut:
    """Graph cut of mri-fatwater; see `method.Comparator`.

    Notes
    -----
    Its fat fraction without bias of noise is the projection on the common phase that `plain_maps` describes.

    References
    ----------
    Berglund and Skorpil, Magn Reson Med 2017;78:941.
    """

    settings = f"QPBO slice by slice, R2max {LARGEST_R2STAR_PER_S:g}, else defaults; one core"

    def __init__(self) -> None:
        try:
            self._separate = import_module("mri_fatwater.fatwater").separate
            self._parallel = import_module("joblib").parallel_config
        except (ImportError, SyntaxError) as error:  # its syntax is that of Python 3.12
            raise Unavailable("needs Python 3.12 or newer: pip install --ignore-requires-python mri-fatwater") from error
        self.version = metadata.version("mri-fatwater")

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`.

        Raises
        ------
        InputError
            The distances of the echo times differ by more than 10 %, which the package refuses.
        """
        distances = np.diff(series.te_s)
        if distances.max() > 1.1 * distances.min():
            found = f"{1e3 * distances.min():.2f} to {1e3 * distances.max():.2f} ms"
            raise InputError(f"mri-fatwater needs equal distances of echo times; found {found}")
        column, row, distance = series.geometry.spacing_mm
        data = {"t": tuple(series.te_s.tolist()), "B0": series.field_strength_t, "voxelsize": (row, column, distance)}
        model = {"watCS": 0.0, "fatCS": SIX_PEAK.ppm, "relAmps": SIX_PEAK.amplitudes}
        algorithm = {
            "algorithm": "QPBO",
            "use3D": False,
            "autocrop": False,
            "R2max": LARGEST_R2STAR_PER_S,
            "magnitudeDiscrimination": True,
            "output": OUTPUT,
        }
        echoes = np.array(np.moveaxis(series.echoes, 1, -1), np.complex64)
        with contextlib.redirect_stdout(io.StringIO()), self._parallel(backend="sequential"):
            found = self._separate(echoes, data, algorithm, model)
        total, percent, field_ppm, r2star = (np.moveaxis(found[name], -1, 0) for name in OUTPUT)
        fat = total * percent / 100
        field_hz = field_ppm * 1e-6 * GYROMAGNETIC_RATIO_HZ_PER_T * series.field_strength_t
        return plain_maps(series, "mri-fatwater", total - fat, fat, field_hz, r2star)
