"""Slices that the comparators are trained on: abdomens of other patients than those of any evaluation, and random slices.

The networks of this project see random slices only. The comparators, which know one anatomy and one protocol in their
publications as well, are given the anatomy of the evaluation, so that each is compared at its best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ...physics.signal import synthesise
from ...physics.spectrum import SIX_PEAK
from ...simulation.abdomen import FIELD_VIEW_MM, abdomen
from ...simulation.protocol import PAPER, PROTOCOLS
from ...simulation.random_slices import SliceBatch, random_protocol, random_slices
from ...simulation.random_tissue import Pixels, smooth_noise
from .interface import N_ECHOES

TRAINING_PATIENT, VALIDATION_PATIENT = 20_000, 30_000
"""Seeds of the first patients; those of evaluations lie below 1,000."""
SLICES, SLICE_MM = 5, 18.0
ABDOMEN_SHARE = 0.75
"""Share of batches of abdomens; the others are random slices."""
SNR = (8.0, 100.0)
FIELD_STRENGTH_T = 1.5
Protocol = tuple[torch.Tensor, float]
PAPER_PROTOCOL: Protocol = (torch.tensor(PAPER.te_s, dtype=torch.float64), PAPER.field_strength_t)


@dataclass(frozen=True)
class AbdomenPool:
    """True maps of abdomens.

    Attributes
    ----------
    maps : torch.Tensor, shape (slice, 4, row, column)
        Proton density, PDFF (0 to 1), R2* (1/s) and off-resonance at 1.5 T (Hz).
    """

    maps: torch.Tensor

    @classmethod
    def stored(cls, file: Path, first_patient: int, patients: int, size: int) -> AbdomenPool:
        """The pool in a file, simulated and written where there is none.

        Parameters
        ----------
        file : Path
            A .npy file.
        first_patient : int
            Seed of the first patient.
        patients : int
            Number of patients.
        size : int
            Rows and columns.

        Returns
        -------
        AbdomenPool
        """
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(".part")
            with unfinished.open("wb") as stream:
                np.save(stream, cls.simulated(first_patient, patients, size).maps.numpy())
            unfinished.replace(file)
        return cls(torch.from_numpy(np.load(file)))

    @classmethod
    def simulated(cls, first_patient: int, patients: int, size: int) -> AbdomenPool:
        """Simulate the pool.

        Parameters
        ----------
        first_patient : int
            Seed of the first patient.
        patients : int
            Number of patients.
        size : int
            Rows and columns.

        Returns
        -------
        AbdomenPool
        """
        pixel = FIELD_VIEW_MM / size
        spacing = (pixel, pixel, SLICE_MM)
        slices = []
        for patient in range(first_patient, first_patient + patients):
            tissue = abdomen(patient, FIELD_STRENGTH_T, (SLICES, size, size), spacing)
            maps = (tissue.proton_density, tissue.pdff_percent / 100, tissue.r2star_per_s, tissue.field_hz)
            slices.append(np.stack(maps, 1).astype(np.float32))
        return cls(torch.from_numpy(np.concatenate(slices)))

    def batch(self, indices: torch.Tensor, protocol: Protocol, generator: torch.Generator, turned: bool) -> SliceBatch:
        """Scan slices.

        Parameters
        ----------
        indices : torch.Tensor, shape (batch,)
            Numbers of the slices.
        protocol : tuple
            Echo times (s) and field strength (T).
        generator : torch.Generator
            Source of coil, noise and orientation.
        turned : bool
            Whether each batch is mirrored and turned by right angles at random.

        Returns
        -------
        SliceBatch
        """
        maps, size = self.maps[indices], self.maps.shape[-1]
        if turned:
            turns, mirror = torch.randint(0, 4, (1,), generator=generator), torch.rand(1, generator=generator) < 0.5
            maps = torch.rot90(maps.flip(-1) if mirror else maps, int(turns), (-2, -1)).contiguous()
        density, fraction, r2star, field_hz = maps.unbind(1)
        te_s, field_strength_t = protocol
        batch, one = len(indices), torch.ones(len(indices), 1, 1)
        offset_hz = 20 * torch.randn(batch, 1, 1, generator=generator)  # the centre frequency is not exact
        field_hz = (field_hz + offset_hz) * (field_strength_t / FIELD_STRENGTH_T)
        pixels = Pixels(size, one, one)
        u = torch.rand(batch, 4, 1, 1, generator=generator)
        coil = (0.25 * smooth_noise(pixels, 0.25, generator) * u[:, 0]).exp()
        phase = 2 * math.pi * u[:, 1] + 1.5 * smooth_noise(pixels, 0.25, generator) * u[:, 2]
        amplitude = torch.polar(density * coil, phase)
        water, fat = amplitude * (1 - fraction), amplitude * fraction
        modulation = SIX_PEAK.modulation(te_s, field_strength_t)
        echoes = synthesise(water, fat, field_hz, r2star, te_s, modulation).movedim(0, 1)
        signal, inside = amplitude.abs(), density > 0
        level = (signal * inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)
        noise_sd = level / (SNR[0] * (SNR[1] / SNR[0]) ** u[:, 3, 0, 0])
        noise = torch.view_as_complex(torch.randn(*echoes.shape, 2, generator=generator))
        echoes = (echoes + noise_sd[:, None, None, None] * noise).to(torch.complex64)
        return SliceBatch(echoes, te_s, field_strength_t, noise_sd, signal, 100 * fraction, r2star, field_hz, inside)


@dataclass(frozen=True)
class TrainingSlices:
    """Batches by their number.

    Attributes
    ----------
    pool : AbdomenPool
        Abdomens.
    one_protocol : bool
        Whether all have the protocol of the paper; otherwise random ones of six echoes.
    batch : int
        Slices of a batch.
    seed : int
        Of everything that is drawn.
    """

    pool: AbdomenPool
    one_protocol: bool
    batch: int
    seed: int

    def __call__(self, number: int) -> SliceBatch:
        """Batch of a number; it depends on the number and the seed alone."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        protocol = PAPER_PROTOCOL if self.one_protocol else random_protocol(generator, N_ECHOES)
        if float(torch.rand(1, generator=generator)) > ABDOMEN_SHARE:
            return random_slices(self.batch, self.pool.maps.shape[-1], generator, protocol)
        indices = torch.randint(0, len(self.pool.maps), (self.batch,), generator=generator)
        return self.pool.batch(indices, protocol, generator, turned=True)


def validation_batches(pool: AbdomenPool, one_protocol: bool, batch: int) -> list[SliceBatch]:
    """Every slice of the pool once, under the protocol of the paper, or in turns under it and two others.

    Parameters
    ----------
    pool : AbdomenPool
        Abdomens of patients that training never sees.
    one_protocol : bool
        Whether all have the protocol of the paper.
    batch : int
        Slices of a batch.

    Returns
    -------
    list of SliceBatch
    """
    others = [(torch.tensor(p.te_s, dtype=torch.float64), p.field_strength_t) for p in (PROTOCOLS[1], PROTOCOLS[5])]
    protocols = [PAPER_PROTOCOL] if one_protocol else [PAPER_PROTOCOL, *others]
    generator = torch.Generator().manual_seed(7)
    chunks = torch.arange(len(pool.maps)).split(batch)
    return [pool.batch(chunk, protocols[k % len(protocols)], generator, turned=False) for k, chunk in enumerate(chunks)]
