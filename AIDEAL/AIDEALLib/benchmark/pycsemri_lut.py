"""Look-up table of PyCSEMRI (VARPRO_LUT), alone and followed by its complex fit."""

from __future__ import annotations

import numpy as np

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from .plain_maps import plain_maps
from .pycsemri_data import Image, complex_fit, data, pycsemri, silent, slice_images, species, version

SUBSAMPLE = 2
BINS = 81


class LookUp:
    """Look-up table of PyCSEMRI; see `method.Comparator`.

    Notes
    -----
    The range of the field is one period; with a wider one it swaps several times as often.
    """

    name = "PyCSEMRI LUT"
    settings = f"SUBSAMPLE {SUBSAMPLE}, range_fm one period, NUM_FMS {BINS}, range_r2star 0 to 500 with 21 values"

    def __init__(self) -> None:
        self._look_up = pycsemri("VARPRO_LUT").VARPRO_LUT
        self.version = version()

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`."""
        with silent():
            parts = [self._slice(series, slice_images(series, index)) for index in range(series.shape[0])]
        return plain_maps(series, self.name, *(np.stack(values) for values in zip(*parts, strict=True)))

    def _slice(self, series: EchoSeries, images: Image) -> tuple[Image, ...]:
        half_period = 0.5 / float(np.diff(series.te_s).min())
        algorithm = {
            "species": species(scalar_water=False),
            "SUBSAMPLE": SUBSAMPLE,
            "range_fm": [-half_period, half_period],
            "NUM_FMS": BINS,
            "range_r2star": [0, 500],
            "NUM_R2STARS": 21,
        }
        found = self._look_up(data(series, images, 1), algorithm)
        return found["water_amp"], found["fat_amp"], found["fm"], found["r2s_init"]


class LookUpAndFit(LookUp):
    """Look-up table of PyCSEMRI, its field refined by its complex fit."""

    name = "PyCSEMRI LUT + fit"
    settings = f"{LookUp.settings}, then fwFit_ComplexLS_1r2star"

    def _slice(self, series: EchoSeries, images: Image) -> tuple[Image, ...]:
        return complex_fit(series, images, super()._slice(series, images)[2])
