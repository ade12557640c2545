"""A sample of voxels of a result, each fitted once more from its maps: the tests of the signal model use it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ..physics.variable_projection import EchoBasis, LinearFit, fit
from .estimated_scan import EstimatedScan
from .voxelwise.bright_sample import position, random_voxels
from .voxelwise.gauss_newton import NonlinearParameters, gauss_newton

MOST_SLICES = 8
_STEPS = 6


@dataclass(frozen=True, eq=False)
class MapSample:
    """Voxels of a result.

    Attributes
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex64
        Corrected echoes.
    factors : torch.Tensor, shape (echo, voxels), complex64
        What the corrections multiplied the echoes with, after conjugation.
    place : torch.Tensor, shape (2, voxels)
        Place along rows and columns, from -1/2 to 1/2.
    basis : EchoBasis
        Constants of the linear step.
    nonlinear : NonlinearParameters
        Off-resonance and R2*, refined from those of the maps without their prior.
    linear : LinearFit
        Water and fat at these.
    """

    echoes: torch.Tensor
    factors: torch.Tensor
    place: torch.Tensor
    basis: EchoBasis
    nonlinear: NonlinearParameters
    linear: LinearFit

    @classmethod
    def of(
        cls,
        scan: EstimatedScan,
        where: npt.NDArray[np.bool_],
        most_voxels: int,
    ) -> MapSample | None:
        """Sample a result.

        Parameters
        ----------
        scan : EstimatedScan
            Scan and result; the mode of a voxel is that of field and R2* in the maps.
        where : numpy.ndarray, shape (slice, row, column), bool
            Voxels to choose from.
        most_voxels : int
            Voxels of each of up to `MOST_SLICES` slices.

        Returns
        -------
        MapSample or None
            None where there is no voxel.
        """
        slices = np.flatnonzero(where.any(axis=(1, 2)))
        if not slices.size:
            return None
        series, maps = scan.series, scan.maps
        _, rows, columns = series.shape
        echoes: list[torch.Tensor] = []
        factors: list[torch.Tensor] = []
        places, starts = [], []
        ones = np.ones((series.n_echoes, rows, columns), np.complex64)
        for index in slices[np.linspace(0, slices.size - 1, min(slices.size, MOST_SLICES)).astype(int)].tolist():
            here = np.flatnonzero(where[index])
            here = here[random_voxels(here.size, most_voxels).numpy()]
            for values, kept in ((scan.corrected(index), echoes), (scan.corrections.apply(ones, index), factors)):
                kept.append(torch.from_numpy(values.reshape(series.n_echoes, -1)[:, here]))
            r, c = (torch.from_numpy(i) for i in np.unravel_index(here, (rows, columns)))
            places.append(torch.stack([position(r, rows), position(c, columns)]))
            starts.append(np.stack([maps.field[index].ravel()[here], maps.r2star[index].ravel()[here]]))
        te = torch.from_numpy(series.te_s)
        basis = EchoBasis.of(te, scan.spectrum.modulation(te, series.field_strength_t))
        stack, start = torch.cat(echoes, 1), torch.from_numpy(np.concatenate(starts, axis=1))
        fields = NonlinearParameters(start[0], start[1])
        linear = fit(stack, fields.field_hz, fields.r2star_per_s, basis)
        sample = cls(stack, torch.cat(factors, 1), torch.cat(places, 1), basis, fields, linear)
        return sample.of_echoes(stack)

    def of_echoes(self, echoes: torch.Tensor) -> MapSample:
        """The same voxels with other echoes (echo, voxels), fitted from the parameters of these."""
        refined = gauss_newton(echoes, self.nonlinear.field_hz, self.nonlinear.r2star_per_s, self.basis, _STEPS)
        linear = fit(echoes, refined.field_hz, refined.r2star_per_s, self.basis)
        return replace(self, echoes=echoes, nonlinear=refined, linear=linear)
