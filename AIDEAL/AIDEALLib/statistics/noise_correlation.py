"""How the noise of neighbouring voxels is correlated, and what follows for sums over voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LEAST_SHARE = 0.1
"""Lower limit of the variance of a sum over that of independent voxels: a table that ends has no Fourier transform above 0."""
WIDE = 0.3
"""Correlation of adjacent voxels above which the image is interpolated by clearly more than 1."""


@dataclass(frozen=True, eq=False)
class NoiseCorrelation:
    """Correlation of the noise of two voxels by their distance.

    Attributes
    ----------
    kernel : np.ndarray, shape (slice, row, column), float
        Correlation at distances of 0, 1, ... slices, and of rows and columns from -n to n (odd lengths); 0 beyond. Negative
        distances of slices follow by symmetry.
    """

    kernel: npt.NDArray[np.float64]

    @classmethod
    def of(cls, table: Sequence[Sequence[Sequence[float]]]) -> NoiseCorrelation:
        """Correlation from the nested lists of a provenance (slice, row, column)."""
        return cls(np.asarray(table, dtype=np.float64))

    @property
    def width(self) -> int:
        """Voxels of the image in one of the scan, as far as neighbours are correlated within a slice: 1 or 2."""
        layer = self.kernel[0]
        rows, columns = layer.shape[0] // 2, layer.shape[1] // 2
        beside = [layer[rows, columns + 1]] if columns else []
        below = [layer[rows + 1, columns]] if rows else []
        return 2 if max((*beside, *below), default=0.0) > WIDE else 1

    def variance_of_sum(self, sd: npt.NDArray[np.floating]) -> float:
        """Variance of the sum of voxels.

        Parameters
        ----------
        sd : np.ndarray, shape (slice, row, column)
            Standard deviation of the noise of each voxel times its weight, 0 outside the region.

        Returns
        -------
        float
            sum_ij rho_ij sd_i sd_j.
        """
        values = sd.astype(np.float64)
        independent = float(np.sum(values * values))
        if independent == 0:
            return 0.0
        slices, rows, columns = self.kernel.shape
        reach = (slices - 1, rows // 2, columns // 2)
        padded = tuple(n + r for n, r in zip(values.shape, reach, strict=True))
        spectrum = np.fft.rfftn(values, padded, axes=(0, 1, 2))
        products = np.fft.irfftn(spectrum * spectrum.conj(), padded, axes=(0, 1, 2))
        total = 0.0
        for z in range(slices):
            for y in range(-reach[1], reach[1] + 1):
                for x in range(-reach[2], reach[2] + 1):
                    value = self.kernel[z, y + reach[1], x + reach[2]]
                    if value:
                        total += (2.0 if z else 1.0) * value * float(products[z, y, x])
        return max(total, LEAST_SHARE * independent)

    def inflation(self, sd: npt.NDArray[np.floating]) -> float:
        """Variance of the sum of voxels over that of independent ones; `sd` as for `variance_of_sum`, not all 0."""
        return self.variance_of_sum(sd) / float(np.sum(sd.astype(np.float64) ** 2))
