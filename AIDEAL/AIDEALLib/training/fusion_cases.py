"""Simulated slices on which the fusion's weights are learned, and others on which P(swap) is calibrated.

Abdomens and random slices under protocols drawn wide, with what goes wrong in scans: steep and wrapped fields, motion,
ghosts, a rest of bipolar phase, iron, a phase between water and fat, mixed voxels at edges, any SNR. Weights are learned where
much goes wrong, for there is most to learn; a probability is calibrated where as much goes wrong as in a usual day of scans
(abdomens only: nobody scans random slices). Seeds differ from those of every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..estimation.fusion.mean_field import network_mass
from ..estimation.fusion.posterior import weighed
from ..estimation.fusion.weights import FusionOptions
from ..estimation.voxelwise.candidates import Candidates, refined_candidates, wrap
from ..estimation.voxelwise.neighbours import Neighbours
from ..estimation.voxelwise.noise import foreground, noise_from_differences
from ..estimation.voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from ..models import Networks
from ..physics.spectrum import SIX_PEAK
from ..simulation.abdomen import abdomen
from ..simulation.artefacts import Artefacts
from ..simulation.protocol import PROTOCOLS, Protocol
from ..simulation.random_slices import random_protocol, random_slices
from ..simulation.scan import acquire
from ..simulation.tissue import TissueMaps

FIRST_PATIENT = 40_000
MATRIX = 128
RANDOM_SIZE = 96
SLICES = 2
MIXED_SHARE = 1 / 3
"""Share of abdomens whose voxels mix the tissues at edges, ring, and lose signal where the field is steep."""
LEAST_SWAP_HZ = 30.0
"""Protocols whose swapped mode lies closer than this cannot tell the modes apart; nothing can be learned from them."""


@dataclass(frozen=True)
class Mixture:
    """How often what happens in the cases.

    Attributes
    ----------
    seeds_from : where its seeds and patients begin, so that no two mixtures share any.
    steep, motion, ghost, bipolar : shares of abdomens with a steep field, motion, a ghost (without motion), odd/even phase.
    random_every : a random slice follows one in so many abdomens, 0 for none.
    """

    seeds_from: int
    steep: float
    motion: float
    ghost: float
    bipolar: float
    random_every: int


HARD = Mixture(seeds_from=0, steep=0.25, motion=0.25, ghost=0.2, bipolar=0.25, random_every=3)
"""To learn weights on."""
USUAL = Mixture(seeds_from=1_000_000, steep=0.1, motion=0.12, ghost=0.06, bipolar=0.12, random_every=0)
"""To calibrate on: two of three scans have nothing of the kind."""
GHOST_WITH_MOTION = 0.6
"""What moves tends to leave ghosts."""


@dataclass(frozen=True)
class FusionCase:
    """One slice with its candidates and the truth.

    Attributes
    ----------
    given : the slice; neighbours : of its foreground.
    candidates, field_variance (Hz^2, (voxels,)), mass, noise_sd : what the fusion weighs.
    true_field_hz : (voxels,). body : bool (voxels,), voxels that count.
    """

    given: SliceInput
    candidates: Candidates
    field_variance: torch.Tensor
    mass: torch.Tensor
    noise_sd: torch.Tensor
    neighbours: Neighbours
    true_field_hz: torch.Tensor
    body: torch.Tensor

    def swapped(self, field_hz: torch.Tensor) -> torch.Tensor:
        """Which fields (..., voxels) lie more than half a fat shift off the true one."""
        distance = wrap(field_hz - self.true_field_hz, self.given.scan.period_hz).abs()
        return distance > self.given.scan.swap_hz / 2


def fusion_cases(count: int, seed: int, networks: Networks, mixture: Mixture = HARD) -> Iterator[FusionCase]:
    """`count` abdomens of two slices, and random slices in between; without protocols that cannot tell the modes apart."""
    seed += mixture.seeds_from
    rng, generator = np.random.default_rng([seed, 7]), torch.Generator().manual_seed(seed)
    first = FIRST_PATIENT + 1000 * seed
    for number in range(count):
        yield from _of_abdomen(first + number, mixture, rng, generator, networks)
        if not mixture.random_every or number % mixture.random_every:
            continue
        batch = random_slices(1, RANDOM_SIZE, generator)
        scan = Scan.of(batch.te_s, batch.field_strength_t, SIX_PEAK)
        yield from _case(batch.echoes[0], scan, batch.field_hz[0], batch.tissue[0], networks)


def _of_abdomen(
    patient: int, mixture: Mixture, rng: np.random.Generator, generator: torch.Generator, networks: Networks
) -> Iterator[FusionCase]:
    protocol = _protocol(mixture, rng, generator)
    iron = float(rng.uniform(150, 1000)) if rng.random() < 0.2 else None
    finer = 2 if rng.random() < MIXED_SHARE else 1
    tissue = abdomen(patient, protocol.field_strength_t, (6, finer * MATRIX, finer * MATRIX), iron_r2star=iron)
    if rng.random() < mixture.steep:
        tissue = _with_steep_field(tissue, rng)
    moves = rng.random() < mixture.motion
    ghosts = rng.random() < (GHOST_WITH_MOTION if moves else mixture.ghost)
    fat_phase_rad = float(rng.normal(0, 0.3)) if rng.random() < 0.5 else 0.0
    artefacts = Artefacts(
        ghost=float(rng.uniform(0.01, 0.06)) if ghosts else 0.0,
        motion_mm=float(rng.uniform(0.5, 4)) if moves else 0.0,
        oversampling=finer,
    )
    series = acquire(tissue, protocol, rng, artefacts, fat_phase_rad=fat_phase_rad)
    tissue = tissue.coarsened(finer)
    scan = Scan.of(torch.from_numpy(series.te_s), series.field_strength_t, SIX_PEAK)
    for z in rng.choice(6, SLICES, replace=False):
        echoes = torch.from_numpy(np.ascontiguousarray(series.echoes[:, z]))
        yield from _case(echoes, scan, torch.from_numpy(tissue.field_hz[z]), torch.from_numpy(tissue.body[z]), networks)


def _protocol(mixture: Mixture, rng: np.random.Generator, generator: torch.Generator) -> Protocol:
    if rng.random() < 0.35:
        known = PROTOCOLS[int(rng.integers(len(PROTOCOLS)))]
        te_s, field_strength = known.te_s, known.field_strength_t
    else:
        te, field_strength = random_protocol(generator)
        te_s = tuple(te.tolist())
    bipolar = float(rng.uniform(-0.06, 0.06)) if rng.random() < mixture.bipolar else 0.0
    snr = float(np.exp(rng.uniform(np.log(6), np.log(100))))
    return Protocol("drawn", te_s, field_strength, snr=snr, bipolar_phase_rad=bipolar)


def _with_steep_field(tissue: TissueMaps, rng: np.random.Generator) -> TissueMaps:
    """A badly shimmed patient: the field stretched, with linear and quadratic terms of hundreds of Hz across the view."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in tissue.shape[1:]), indexing="ij")
    a = rng.normal(0, 1, 4).astype(np.float32) * np.float32(tissue.field_strength_t / 1.5)
    added = 100 * (a[0] * x + a[1] * y) + 80 * (a[2] * x * y + a[3] * (x * x - y * y))
    return replace(tissue, field_hz=(tissue.field_hz * np.float32(rng.uniform(1, 1.7)) + added).astype(np.float32))


@torch.no_grad()
def _case(
    echoes: torch.Tensor, scan: Scan, true_field: torch.Tensor, body: torch.Tensor, networks: Networks
) -> Iterator[FusionCase]:
    rough = noise_from_differences(echoes)
    mask = foreground(echoes, rough)
    if int((mask & body).sum()) < 50 or scan.swap_hz < LEAST_SWAP_HZ:
        return
    voxels = echoes[:, mask]
    slice_echoes = SliceEchoes(scan=scan, echoes=echoes, mask=mask, voxels=voxels, rough_noise=rough)
    given = SliceInput.of(slice_echoes, networks)
    candidates = refined_candidates(voxels, given.field_hz[mask], scan.fat_shift_hz, scan.period_hz, scan.basis)
    noise, neighbours = given.noise(candidates.residual_energy.amin(0)), Neighbours.of(mask)
    candidates = weighed(given, candidates, noise, neighbours, FusionOptions()).candidates
    mass = network_mass(given.q, candidates.field_hz, scan.period_hz)
    yield FusionCase(
        given,
        candidates,
        candidates.field_variance(noise),
        mass,
        given.evidence_noise(noise),
        neighbours,
        true_field.float()[mask],
        body[mask],
    )
