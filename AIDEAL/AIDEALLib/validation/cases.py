"""Cases: object, acquisition and method. Equal cases give the same voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..choices import Bipolar, Conjugate, Method
from ..echoes import EchoSeries
from ..models import Networks
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..physics.cramer_rao import cramer_rao
from ..physics.spectrum import SIX_PEAK
from ..pipeline import run
from ..progress import Monitor
from ..simulation.held_out import held_out_case
from ..simulation.phantom import phantom
from ..simulation.scan import Protocol, acquire, snr_map
from ..simulation.scenes import PLAIN, Scene
from ..simulation.tissue import FloatMap, TissueMaps
from .voxels import Voxels


@dataclass(frozen=True)
class Abdomen:
    """A held-out patient.

    Attributes
    ----------
    seed : int
        Seed of the anatomy.
    matrix : tuple of int
        Voxels along (slice, row, column).
    slice_mm : float
        Distance of slices, mm.
    scene : Scene
        Difficulties of the scan.
    """

    seed: int
    matrix: tuple[int, int, int]
    slice_mm: float = 10.0
    scene: Scene = PLAIN


@dataclass(frozen=True)
class Vials:
    """A vial phantom: name of its table and number of slices, 192 x 192 pixels each."""

    table: str
    slices: int

    @property
    def matrix(self) -> tuple[int, int, int]:
        """Voxels along (slice, row, column)."""
        return self.slices, 192, 192


@dataclass(frozen=True)
class Case:
    """One scan of one object, estimated by one method.

    Attributes
    ----------
    target : Abdomen or Vials
        The object.
    protocol : Protocol
        Acquisition.
    noise : tuple of int
        Seed of coil and noise.
    method : str
        Value of a member of `Method`.
    """

    target: Abdomen | Vials
    protocol: Protocol
    noise: tuple[int, ...]
    method: str = "refined"

    @property
    def slices(self) -> int:
        """Slices to estimate."""
        return self.target.matrix[0]

    def scan(self) -> Scan:
        """Simulate the scan."""
        if isinstance(self.target, Vials):
            truth = phantom(self.target.table, self.protocol.field_strength_t, self.target.matrix)
            series = acquire(truth, self.protocol, np.random.default_rng(self.noise), coil_phase=False)
            return Scan(series, truth, snr_map(truth, self.protocol, np.random.default_rng(self.noise), coil_phase=False))
        patient = self.target
        held_out = held_out_case(patient.seed, self.protocol, self.noise, patient.matrix, patient.slice_mm, patient.scene)
        return Scan(held_out.series, held_out.truth, held_out.snr)

    def options(self, device: str) -> RunOptions:
        """Options of the run; no search for phase errors in a phantom, whose isolated vials determine no slope."""
        correct = self.target.scene.corrections if isinstance(self.target, Abdomen) else "no"
        method = Method(self.method)
        return RunOptions(method=method, device=device, conjugate=Conjugate(correct), bipolar=Bipolar(correct))


@dataclass(frozen=True, eq=False)
class Scan:
    """A simulated scan.

    Attributes
    ----------
    series : EchoSeries
        Echoes.
    truth : TissueMaps
        True maps on the same voxels.
    snr : numpy.ndarray, shape (slice, row, column)
        |W + F| at t = 0 over the noise of one real channel.
    """

    series: EchoSeries
    truth: TissueMaps
    snr: FloatMap


def estimate_case(case: Case, networks: Networks, device: str, monitor: Monitor | None = None) -> Voxels:
    """Simulate and estimate a case.

    Parameters
    ----------
    case : Case
        Object, acquisition and method.
    networks : Networks
        Networks on the device.
    device : str
        Computing device.
    monitor : Monitor, optional
        Callbacks for progress and cancellation.

    Returns
    -------
    Voxels
        Estimate and truth.

    Raises
    ------
    Cancelled
        On request.
    """
    scan = case.scan()
    outcome = run(scan.series, case.options(device), check=False, networks=lambda _: networks, monitor=monitor)
    return compare_with_truth(outcome.maps, scan, case.protocol)


def compare_with_truth(maps: ParameterMaps, scan: Scan, protocol: Protocol) -> Voxels:
    """Combine an estimate of a simulated scan with its truth.

    Parameters
    ----------
    maps : ParameterMaps
        Estimate.
    scan : Scan
        Simulated scan.
    protocol : Protocol
        Acquisition of the scan.

    Returns
    -------
    Voxels
        Voxels of the body that have an estimate.
    """
    shift = SIX_PEAK.mean_shift_hz(protocol.field_strength_t)
    return Voxels.of(maps, scan.truth, shift, bounds=cramer_rao_sd(scan, protocol))


def cramer_rao_sd(scan: Scan, protocol: Protocol) -> tuple[FloatMap, FloatMap]:
    """Cramer-Rao bounds on the SD of PDFF (points) and field (Hz) at the true values, (slice, row, column); 0 without noise."""
    truth = scan.truth
    sd = [np.full(truth.shape, math.nan, np.float32) for _ in range(2)]
    if protocol.snr is None:
        return np.zeros(truth.shape, np.float32), np.zeros(truth.shape, np.float32)
    inside = truth.body & (scan.snr > 0)
    pdff, r2star, snr = (torch.from_numpy(values[inside]) for values in (truth.pdff_percent, truth.r2star_per_s, scan.snr))
    te = torch.tensor(protocol.te_s, dtype=torch.float64)
    bound = cramer_rao(pdff, r2star, snr, te, protocol.field_strength_t)
    for target, values in zip(sd, (bound.pdff_sd, bound.field_sd), strict=True):
        target[inside] = values.numpy()
    return sd[0], sd[1]
