"""Unlabelled scans as batches for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries
from ..errors import InputError
from ..estimation.phase_correction.plan import plan_corrections
from ..estimation.voxelwise.noise import foreground, noise_from_differences
from ..physics.spectrum import SIX_PEAK
from ..simulation.random_slices import EchoBatch
from .loop import LoopOptions, simulated_batches
from .prefetch import BatchOf


@dataclass(frozen=True, eq=False)
class OwnScan:
    """A scan, corrected as the estimate corrects it, to cut training slices from.

    Attributes
    ----------
    echoes : torch.Tensor, shape (slice, echo, row, column), complex64
        Echoes.
    te_s : torch.Tensor, shape (echo,), float64, seconds
        Echo times.
    field_strength_t : float, tesla
        Main field.
    noise_sd : torch.Tensor, shape (slice,)
        Noise SD of one real channel.
    foreground : torch.Tensor, shape (voxels, 3), int
        Slice, row and column of each foreground voxel.
    """

    echoes: torch.Tensor
    te_s: torch.Tensor
    field_strength_t: float
    noise_sd: torch.Tensor
    foreground: torch.Tensor

    @classmethod
    def of(cls, series: EchoSeries) -> OwnScan:
        """Correct a scan (rotation sense, odd-even phase) and find its foreground.

        Parameters
        ----------
        series : EchoSeries
            The scan.

        Returns
        -------
        OwnScan

        Raises
        ------
        InputError
            The scan has no phase, or no voxel above the noise.
        """
        if not series.has_phase:
            raise InputError(f"{series.source} has magnitudes alone; adaptation needs complex echoes.")
        corrections = plan_corrections(series, SIX_PEAK)
        slices = [torch.from_numpy(corrections.apply(series.echoes[:, i], i)) for i in range(series.shape[0])]
        noise = [noise_from_differences(one) for one in slices]
        masks = torch.stack([foreground(one, sd) for one, sd in zip(slices, noise, strict=True)])
        if not masks.any():
            raise InputError(f"No voxel of {series.source} is above the noise; there is nothing to adapt to.")
        te = torch.from_numpy(series.te_s)
        return cls(torch.stack(slices), te, series.field_strength_t, torch.stack(noise), masks.nonzero())

    def crops(self, batch: int, size: int, generator: torch.Generator) -> EchoBatch:
        """Square windows (narrower where the scan is) around random foreground voxels, mirrored at random.

        Parameters
        ----------
        batch : int
            Number of windows.
        size : int
            Rows and columns.
        generator : torch.Generator
            Source of randomness.

        Returns
        -------
        EchoBatch
        """
        high, wide = (min(size, n) for n in self.echoes.shape[2:])
        cut, noise = [], []
        for _ in range(batch):
            chosen = int(torch.randint(len(self.foreground), (), generator=generator))
            index, row, column = self.foreground[chosen].tolist()
            top = min(max(row - int(torch.randint(high, (), generator=generator)), 0), self.echoes.shape[2] - high)
            left = min(max(column - int(torch.randint(wide, (), generator=generator)), 0), self.echoes.shape[3] - wide)
            window = self.echoes[index, :, top : top + high, left : left + wide]
            mirrored = [axis for axis in (1, 2) if torch.rand((), generator=generator) < 0.5]
            cut.append(window.flip(mirrored) if mirrored else window)
            noise.append(self.noise_sd[index])
        return EchoBatch(torch.stack(cut), self.te_s, self.field_strength_t, torch.stack(noise))


def mixed_batches(scans: Sequence[OwnScan], options: LoopOptions) -> BatchOf:
    """Slices of the scans and simulated ones in turn; the simulated ones keep the networks from forgetting other protocols."""
    return partial(_mixed_batch, scans, options)


def _mixed_batch(scans: Sequence[OwnScan], options: LoopOptions, number: int) -> EchoBatch:
    if number % 2:
        return simulated_batches(options)(number)
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
    scan = scans[int(torch.randint(len(scans), (), generator=generator))]
    return scan.crops(options.batch, options.size, generator)


def fingerprint(scans: Sequence[OwnScan]) -> str:
    """Short checksum of the scans; it identifies no file and no patient."""
    digest = hashlib.sha256()
    for scan in scans:
        values: npt.NDArray[np.complex64] = scan.echoes.numpy()
        digest.update(np.ascontiguousarray(values).tobytes() + scan.te_s.numpy().tobytes())
    return digest.hexdigest()[:12]
