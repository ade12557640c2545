"""Simulated slices on which the fusion's weights are learned, and others on which P(swap) is calibrated.

Abdomens and random slices under widely drawn protocols, with the difficulties of scans: steep and wrapped fields, motion,
ghosts, residual bipolar phase, iron, a phase between water and fat, mixed voxels at edges, any SNR. Weights are learned where
difficulties are frequent; a probability is calibrated where they are as frequent as in clinical routine (on abdomens only).
Seeds differ from those of every evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..estimation.fusion.mean_field import network_mass
from ..estimation.fusion.posterior import mode_posterior
from ..estimation.fusion.weights import FusionOptions
from ..estimation.voxelwise.candidates import Candidates, wrap
from ..estimation.voxelwise.neighbours import Neighbours
from ..estimation.voxelwise.noise import foreground, noise_from_differences
from ..estimation.voxelwise.refinement import refined_candidates
from ..estimation.voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from ..models import Networks
from ..physics.spectrum import SIX_PEAK
from ..simulation.abdomen import abdomen
from ..simulation.artefacts import Artefacts
from ..simulation.contents import CONTENTS
from ..simulation.protocol import PROTOCOLS, Protocol
from ..simulation.random_slices import random_protocol, random_slices
from ..simulation.scan import acquire
from ..simulation.tissue import TissueMaps

FIRST_PATIENT = 40_000
MATRIX = 128
RANDOM_SIZE = 96
SLICES = 2
MIXED_SHARE = 1 / 3
"""Share of abdomens simulated on finer pixels: voxels mix tissues at edges, ring, and lose signal in steep fields."""
LEAST_SWAP_HZ = 30.0
"""Protocols whose swapped mode is closer than this cannot separate the modes; nothing can be learned from them."""


@dataclass(frozen=True)
class Mixture:
    """How frequent each difficulty is among the cases.

    Attributes
    ----------
    seeds_from : int
        First seed and patient, so that no two mixtures share any.
    steep : float
        Share of abdomens with a steep field.
    motion : float
        Share with motion.
    ghost : float
        Share with a ghost, of those without motion.
    bipolar : float
        Share with odd/even phase.
    random_every : int
        A random slice follows one in so many abdomens; 0 for none.
    content : float
        Share of abdomens that are not average (`CONTENTS`).
    """

    seeds_from: int
    steep: float
    motion: float
    ghost: float
    bipolar: float
    random_every: int
    content: float = 0.0


LEARNING = Mixture(seeds_from=0, steep=0.25, motion=0.25, ghost=0.2, bipolar=0.25, random_every=3)
"""Weights are learned on it."""
CALIBRATION = Mixture(seeds_from=1_000_000, steep=0.1, motion=0.12, ghost=0.06, bipolar=0.12, random_every=0)
"""P(swap) is calibrated on it: two of three scans have none of these difficulties."""
GHOST_WITH_MOTION = 0.6
"""Share of abdomens with motion that have a ghost too."""


@dataclass(frozen=True)
class FusionCase:
    """One slice with its candidates and the truth.

    Attributes
    ----------
    given : SliceInput
        The slice.
    candidates : Candidates
        Candidates of each foreground voxel.
    field_variance : torch.Tensor, shape (voxels,), Hz^2
        Variance of the field from noise.
    mass : torch.Tensor, shape (candidate, voxels)
        Probability of their fields under G_phi.
    noise_sd : torch.Tensor, shape (voxels,)
        Noise SD of the evidence.
    neighbours : Neighbours
        Neighbours within the foreground.
    true_field_hz : torch.Tensor, shape (voxels,)
        True off-resonance.
    body : torch.Tensor, shape (voxels,), bool
        Voxels that the losses and the calibration count.
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
        """Whether fields (..., voxels) are more than half a fat shift off the true one, bool of the same shape."""
        distance = wrap(field_hz - self.true_field_hz, self.given.scan.period_hz).abs()
        return distance > self.given.scan.swap_hz / 2


def fusion_cases(count: int, seed: int, networks: Networks, mixture: Mixture = LEARNING) -> Iterator[FusionCase]:
    """Simulated slices, without those of protocols that cannot separate the modes.

    Parameters
    ----------
    count : int
        Abdomens, two slices each.
    seed : int
        Source of randomness.
    networks : Networks
        Networks whose field distributions are fused.
    mixture : Mixture
        Difficulties.

    Yields
    ------
    FusionCase
    """
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
    if mixture.content and rng.random() < mixture.content:
        tissue = CONTENTS[str(rng.choice(list(CONTENTS)))](tissue, rng)
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
    """A poorly shimmed patient: the field scaled, with linear and quadratic terms of hundreds of Hz over the field of view."""
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
    candidates = mode_posterior(given, candidates, noise, neighbours, FusionOptions()).candidates
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
