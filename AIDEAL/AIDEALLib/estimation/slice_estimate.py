"""The estimate of one slice: foreground, method, values of every map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..parameter_maps import FloatMap
from .adjoining_slices import FieldBeside
from .methods.context import MethodContext
from .methods.registry import RegisteredMethod
from .voxelwise.adjoining_field import AdjoiningField
from .voxelwise.candidates import wrap
from .voxelwise.mode import Solution
from .voxelwise.noise import foreground, masked_parts, noise_from_differences
from .voxelwise.ringing import Ringing
from .voxelwise.slice_input import Scan, SliceEchoes
from .zero_filling import difference_share


@dataclass(frozen=True, eq=False)
class SliceMaps:
    """Result of one slice.

    Attributes
    ----------
    mask : array, shape (row, column), bool
        Foreground.
    values : dict of str to array, shape (voxels,), float32
        Values of each map in the voxels of the mask, in the units of `ParameterMaps`.
    noise_sd : float
        Noise per real channel, in the unit of the echoes.
    """

    mask: npt.NDArray[np.bool_]
    values: dict[str, FloatMap]
    noise_sd: float


def estimate_slice(
    echoes: torch.Tensor,
    scan: Scan,
    method: RegisteredMethod,
    context: MethodContext,
    mixed: bool,
    filled: npt.NDArray[np.bool_] | None = None,
    beside: FieldBeside | None = None,
) -> SliceMaps:
    """Estimate the foreground of one slice.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex64
        Corrected echoes.
    scan : Scan
        The protocol.
    method : RegisteredMethod
        How to estimate.
    context : MethodContext
        What all slices share.
    mixed : bool
        Whether the last fit leaves out the phase of the first echo.
    filled : np.ndarray, shape (row, column), bool, optional
        Part of k-space that was not truncated, of a scan that rings.
    beside : FieldBeside, optional
        Field of the adjoining slice as a prior, for a method with fusion.

    Returns
    -------
    SliceMaps
        Values in the foreground where no echo is masked; no values where nothing stands clear of the noise.
    """
    watch = context.watch
    with watch("foreground"):
        if not method.phase:
            echoes = echoes.abs().to(echoes.dtype)
        shares = [1.0 if filled is None else difference_share(filled, axes) for axes in ((0,), (1,), (0, 1))]
        rough_noise = noise_from_differences(echoes, shares[2])
        mask = foreground(echoes, rough_noise) & ~masked_parts(echoes)
    if not torch.any(mask):
        return SliceMaps(mask.cpu().numpy(), {}, float(rough_noise))
    rows, columns = _extent(mask.any(1)), _extent(mask.any(0))
    cropped, inner = echoes[:, rows, columns].contiguous(), mask[rows, columns]
    voxels = cropped[:, inner]
    with watch("ringing"):
        ringing = Ringing.of(echoes, filled).within(mask) if filled is not None else None
    given = SliceEchoes(
        scan=scan,
        echoes=cropped,
        mask=inner,
        voxels=voxels,
        rough_noise=rough_noise,
        mixed=mixed,
        difference_shares=(shares[0], shares[1]),
        ringing=ringing,
        adjoining=_adjoining(beside, mask) if beside else None,
    )
    solution = method.estimate(given, context)
    with watch("transfer"):
        values = {name: values.float().cpu().numpy() for name, values in _values(solution, scan, given.energy).items()}
        return SliceMaps(mask.cpu().numpy(), values, float(solution.noise_sd))


def _adjoining(beside: FieldBeside, mask: torch.Tensor) -> AdjoiningField:
    field, weight = (torch.from_numpy(values).to(mask.device)[mask] for values in (beside.field_hz, beside.weight))
    return AdjoiningField(field, weight, beside.typical_change_hz)


def _extent(occupied: torch.Tensor) -> slice:
    where = occupied.nonzero()
    return slice(int(where[0]), int(where[-1]) + 1)


def _values(solution: Solution, scan: Scan, energy: torch.Tensor) -> dict[str, torch.Tensor]:
    best = solution.best
    # Amplitudes at t = 0: undo the decay up to the first echo (limited: a decay of pure noise must not blow up).
    growth = torch.exp((best.r2star_per_s * float(scan.te_s[0])).clamp(-2.0, 4.0))
    amplitude = (best.water + best.fat).abs() * growth
    energy = energy.clamp_min(torch.finfo(torch.float32).tiny)
    return {
        "water": amplitude * (1 - best.pdff / 100),
        "fat": amplitude * best.pdff / 100,
        "pdff": best.pdff,
        "pdff_sd": best.pdff_variance.sqrt(),
        "pdff_total_sd": solution.mixture_variance.sqrt(),
        "swap_probability": solution.swap_probability,
        "r2star": best.r2star_per_s,
        "r2star_sd": best.r2star_variance.sqrt(),
        "field": wrap(best.field_hz, scan.period_hz),
        "field_sd": best.field_variance.sqrt(),
        "residual": 100 * torch.sqrt(best.residual_energy / energy),
    }
