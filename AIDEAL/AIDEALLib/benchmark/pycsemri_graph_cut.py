"""Graph cut of PyCSEMRI, followed by its complex fit."""

from __future__ import annotations

import numpy as np

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from .plain_maps import plain_maps
from .pycsemri_data import complex_fit, data, pycsemri, silent, slice_images, species, version

SUBSAMPLE = 2
RANGE_HZ = 400.0


class GraphCut:
    """Graph cut and complex fit of PyCSEMRI; see `method.Comparator`.

    Notes
    -----
    Echoes are conjugated and PrecessionIsClockwise is -1: only then do its residual and its later steps agree in sign (with 1
    they differ even without noise). The R2* map of the graph cut is wrong in version 0.2.7; the complex fit, which is part of
    the timed run, corrects it.

    References
    ----------
    Hernando et al., Magn Reson Med 2010.
    """

    settings = (
        f"SUBSAMPLE {SUBSAMPLE}, range_fm +-{RANGE_HZ:g} Hz, NUM_FMS 301, 40 iterations, lambda 0.05, LMAP_POWER 2, "
        "LMAP_EXTRA 0.05, conjugated with PrecessionIsClockwise -1, then fwFit_ComplexLS_1r2star"
    )

    def __init__(self) -> None:
        self._cut = pycsemri("fw_i2cm1i_graphcut").fw_i2cm1i_graphcut
        self.version = version()
        self._algorithm = {
            "species": species(scalar_water=True),
            "SUBSAMPLE": SUBSAMPLE,
            "range_fm": [-RANGE_HZ, RANGE_HZ],
            "NUM_FMS": 301,
            "range_r2star": [0, 500],
            "NUM_R2STARS": 11,
            "NUM_ITERS": 40,
            "lambda": 0.05,
            "LMAP_POWER": 2,
            "LMAP_EXTRA": 0.05,
            "size_clique": 1,
            "DO_OT": 0,
            "TRY_PERIODIC_RESIDUAL": 0,
        }

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`."""
        parts = []
        with silent():
            for index in range(series.shape[0]):
                images = slice_images(series, index)
                conjugated = np.conj(images)[:, :, None, None, :, None]
                found = self._cut(data(series, conjugated, -1), dict(self._algorithm))
                parts.append(complex_fit(series, images, found["fm"]))
        return plain_maps(series, "PyCSEMRI graph cut", *(np.stack(values) for values in zip(*parts, strict=True)))
