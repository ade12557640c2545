"""Signal lost to the gradient of the field across a slice, and R2* free of it.

A field that changes by G over the thickness of a slice turns the spins of a voxel apart and multiplies its echoes by
sinc(G t): R2* reads too high at the dome of the liver, by a fifth in slices of 8 mm. G follows from the fields of the adjoining
slices. How thick slices are in slice distances is taken from the echoes themselves, since the loss is absent where the slices
come from a Fourier transform (3D), and smaller where there are gaps.

References
----------
Fernández-Seara and Wehrli, Magn Reson Med 2000;44:358; Hernando et al., Magn Reson Med 2012;68:830.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
import torch

from ..parameter_maps import FloatMap, ParameterMaps
from ..physics.signal import residual_degrees_of_freedom
from ..physics.variable_projection import EchoBasis, fit
from .voxelwise.gauss_newton import GaussianPrior, gauss_newton
from .voxelwise.mode import mode_from_fit
from .voxelwise.slice_input import Scan

THICKNESSES = (0.4, 0.7, 1.0, 1.3)
"""Thickness of a slice over the distance of slices, compared with none."""
FIRST_TRIAL = 0.7
STEPS = 2
MATERIAL_TURNS = 0.05
"""Turn of the spins across a slice, at the last echo, from which on the loss (0.4 % of the echo) is corrected."""
SAMPLE_TURNS = (0.15, 0.7)
"""Turns of the voxels that decide on the thickness: with a loss that shows, and signal left."""
STEADY_SHARE = 0.7
"""In them the changes to both adjoining slices differ by less than this share of their mean."""
LARGEST_SAMPLE, FEWEST_SAMPLE = 8000, 300
LEAST_LOSS = 0.05
"""Smallest factor of an echo; beyond the first zero of sinc the shape of the slice decides."""
MOST_WIDENING = 5.0
FIXED_HZ2, FLAT_PER_S2 = 1e-12, 1e12
"""Variances of priors that fix a parameter, and that leave it free."""
LARGEST_SWAP_PROBABILITY = 0.1
DECISIVE_NATS = 30.0
MOST_NATS_OF_ONE = 5.0
"""No single voxel weighs more in the decision."""

EchoesOf = Callable[[int], npt.NDArray[np.complex64]]


@dataclass(frozen=True, eq=False)
class DephasingRefit:
    """Values of the voxels that were fitted again with the loss.

    Attributes
    ----------
    slices : tuple of (int, np.ndarray, dict)
        Number of a slice, its voxels (row, column), bool, and their values in the maps that change.
    note : str
        What was done, in a sentence.
    """

    slices: tuple[tuple[int, npt.NDArray[np.bool_], dict[str, FloatMap]], ...]
    note: str

    def write_into(self, maps: ParameterMaps) -> ParameterMaps:
        """Write the values into the arrays of the maps, since copies of a large scan take much memory, and add the note."""
        arrays = dict(maps.items())
        for z, where, values in self.slices:
            for name, of_voxels in values.items():
                arrays[name][z][where] = of_voxels
        return replace(maps, provenance=replace(maps.provenance, notes=(*maps.provenance.notes, self.note)))


def dephasing_refit(maps: ParameterMaps, echoes_of: EchoesOf, scan: Scan) -> DephasingRefit | None:
    """Refit R2*, water and fat with the loss in the model, where the field changes across slices and the echoes show a loss.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of a complex fit.
    echoes_of : callable
        Corrected echoes (echo, row, column) of a slice.
    scan : Scan
        Protocol of the scan, on the CPU.

    Returns
    -------
    DephasingRefit or None
        None where the loss is not decisive: fewer than three slices or four echoes, steady fields, or 3D scans.
    """
    if len(maps.mask) < 2 or len(scan.te_s) < 4:
        return None
    gradient = _Gradient.of(maps, scan)
    thickness = _thickness(maps, echoes_of, scan, gradient)
    if not thickness:
        return None
    corrected = maps.mask & (thickness * np.abs(gradient.hz) * float(scan.te_s[-1]) > MATERIAL_TURNS)
    slices = []
    for z, where in enumerate(corrected):
        if not where.any():
            continue
        voxels = _Voxels.of(maps, z, where, echoes_of(z)[:, where], thickness * gradient.hz[z][where], scan)
        slices.append((z, where, voxels.refitted(maps, z, where)))
    share = 100 * corrected.sum() / maps.mask.sum()
    note = (
        f"Field gradients across slices dephase the echoes as in slices of {thickness:.2f} slice distances: R2*, water and fat "
        f"were fitted with that loss in {share:.0f} % of the voxels."
    )
    return DephasingRefit(tuple(slices), note)


@dataclass(frozen=True, eq=False)
class _Gradient:
    """Change of the field from slice to slice.

    Attributes
    ----------
    hz : np.ndarray, shape (slice, row, column), Hz per slice distance
        Mean of the changes to both adjoining slices, or the one that is known; 0 where none is.
    steady : np.ndarray, shape (slice, row, column), bool
        Where both are known and hardly differ.
    """

    hz: FloatMap
    steady: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, maps: ParameterMaps, scan: Scan) -> _Gradient:
        """Gradient of the field map; a change of more than half the distance to a swapped field may be a swap: unknown."""
        hz, steady = np.zeros(maps.mask.shape, np.float32), np.zeros(maps.mask.shape, bool)
        none = np.zeros(maps.mask.shape[1:], np.float32), np.zeros(maps.mask.shape[1:], bool)

        def change(z: int) -> tuple[FloatMap, npt.NDArray[np.bool_]]:
            """Change from slice z to the next one, 0 where it is unknown, and where it is known."""
            pair = slice(z, z + 2)
            change = np.diff(maps.field[pair], axis=0)[0]
            change -= scan.period_hz * np.round(change / scan.period_hz)
            sure = (maps.mask[pair] & (maps.swap_probability[pair] < LARGEST_SWAP_PROBABILITY)).all(0)
            known = sure & (np.abs(change) < scan.swap_hz / 2)
            return np.where(known, change, 0), known

        for z, sides in enumerate(pairwise(chain([none], map(change, range(len(hz) - 1)), [none]))):
            (below, has_below), (above, has_above) = sides
            hz[z] = (below + above) / np.maximum(has_below.astype(np.float32) + has_above, 1)
            steady[z] = has_below & has_above & (np.abs(above - below) < STEADY_SHARE * np.abs(hz[z]))
        return cls(hz, steady)


@dataclass(frozen=True)
class _Voxels:
    """Some voxels of a slice with their loss."""

    echoes: torch.Tensor
    loss: torch.Tensor
    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    basis: EchoBasis
    noise_sd: torch.Tensor

    @classmethod
    def of(
        cls,
        maps: ParameterMaps,
        z: int,
        where: npt.NDArray[np.bool_],
        echoes: npt.NDArray[np.complex64],
        turns_per_s: npt.NDArray[np.float32],
        scan: Scan,
    ) -> _Voxels:
        """Voxels `where` of slice z, their echoes (echo, voxels); `turns_per_s` (voxels,) is the change of field across it."""
        turns = (torch.from_numpy(turns_per_s) * scan.basis.te_s[:, None]).abs().clamp_max(1.0)
        loss = torch.sinc(turns).clamp_min(LEAST_LOSS)
        field, r2star = (torch.from_numpy(values[z][where]) for values in (maps.field, maps.r2star))
        noise = torch.tensor(maps.provenance.noise_sd[z])
        return cls(torch.from_numpy(echoes), loss, field, r2star, scan.basis, noise)

    def refined_r2star(self) -> torch.Tensor:
        """R2* with the loss in the model, 1/s, (voxels,). The field stays, since the loss turns no phase."""
        field, r2star = self.field_hz, self.r2star_per_s
        fixed, flat = torch.full_like(field, FIXED_HZ2), torch.full_like(field, FLAT_PER_S2)
        known = GaussianPrior(field, fixed, r2star, flat, self.noise_sd)
        return gauss_newton(self.echoes, field, r2star, self.basis, STEPS, known, self.loss).r2star_per_s

    def residual_energy(self) -> torch.Tensor:
        """Residual energy of the best fit with the loss, (voxels,)."""
        return fit(self.echoes, self.field_hz, self.refined_r2star(), self.basis, self.loss).residual_energy

    def refitted(self, maps: ParameterMaps, z: int, where: npt.NDArray[np.bool_]) -> dict[str, FloatMap]:
        """Values (voxels,) of the maps that change; the loss of signal widens the SDs."""
        before = fit(self.echoes, self.field_hz, self.r2star_per_s, self.basis)
        r2star = self.refined_r2star()
        after = fit(self.echoes, self.field_hz, r2star, self.basis, self.loss).with_zero_slope(self.everywhere)
        mode = mode_from_fit(after, self.field_hz, r2star, self.noise_sd)
        bare = mode_from_fit(before.with_zero_slope(self.everywhere), self.field_hz, self.r2star_per_s, self.noise_sd)
        wider = (mode.pdff_variance / bare.pdff_variance).sqrt().clamp(1.0, MOST_WIDENING).numpy()
        amplitude = (mode.water + mode.fat).abs() * torch.exp((mode.r2star_per_s * float(self.basis.te_s[0])).clamp(-2.0, 4.0))
        energy = self.echoes.abs().square().sum(0).clamp_min(torch.finfo(torch.float32).tiny)
        values = {
            "r2star": mode.r2star_per_s,
            "pdff": mode.pdff,
            "water": amplitude * (1 - mode.pdff / 100),
            "fat": amplitude * mode.pdff / 100,
            "residual": 100 * torch.sqrt(mode.residual_energy / energy),
        }
        within, total = maps.pdff_sd[z][where], maps.pdff_total_sd[z][where]
        r2star_wider = (mode.r2star_variance / bare.r2star_variance).sqrt().clamp(1.0, MOST_WIDENING).numpy()
        return {name: value.numpy() for name, value in values.items()} | {
            "r2star_sd": maps.r2star_sd[z][where] * r2star_wider,
            "pdff_sd": within * wider,
            "pdff_total_sd": np.sqrt(total**2 + within**2 * (wider**2 - 1)),
        }

    @property
    def everywhere(self) -> torch.Tensor:
        """True in every voxel, (voxels,)."""
        return torch.ones_like(self.field_hz, dtype=torch.bool)


def _thickness(maps: ParameterMaps, echoes_of: EchoesOf, scan: Scan, gradient: _Gradient) -> float:
    """Thickness of the slices in slice distances that explains the echoes best, 0 where none does decisively better."""
    turns = np.abs(gradient.hz) * float(scan.te_s[-1])
    sample = maps.mask & gradient.steady & (turns > SAMPLE_TURNS[0]) & (turns < SAMPLE_TURNS[1])
    places = np.flatnonzero(sample)
    if len(places) < FEWEST_SAMPLE:
        return 0.0
    kept = np.zeros(sample.size, bool)
    kept[places[:: 1 + len(places) // LARGEST_SAMPLE]] = True
    slices = [(z, where, echoes_of(z)[:, where]) for z, where in enumerate(kept.reshape(sample.shape)) if where.any()]

    def energies(thickness: float) -> npt.NDArray[np.float32]:
        parts = (_Voxels.of(maps, z, at, echoes, thickness * gradient.hz[z][at], scan) for z, at, echoes in slices)
        return np.concatenate([part.residual_energy().numpy() for part in parts])

    none = energies(0.0)
    scale = 2 * np.maximum(none, np.median(none)) / residual_degrees_of_freedom(len(scan.te_s))

    def nats(thickness: float) -> float:
        return float(np.clip((none - energies(thickness)) / scale, -MOST_NATS_OF_ONE, MOST_NATS_OF_ONE).sum())

    if nats(FIRST_TRIAL) < DECISIVE_NATS:
        return 0.0
    found = [nats(thickness) for thickness in THICKNESSES]
    middle = min(max(int(np.argmax(found)), 1), len(found) - 2)
    near = slice(middle - 1, middle + 2)
    bend, slope, _ = np.polyfit(np.square(THICKNESSES[near]), found[near], 2)  # the loss is quadratic in the thickness
    return float(np.sqrt(np.clip(-slope / (2 * bend), THICKNESSES[0] ** 2, THICKNESSES[-1] ** 2)))
