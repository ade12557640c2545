"""The one entry point: a multi-echo scan in, parameter maps with uncertainty out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..echoes import EchoSeries
from ..errors import DeviceError, InputError
from ..methods import Method
from ..models import Networks, load_networks
from ..parameter_maps import MAP_INFO, ParameterMaps, Provenance
from ..physics.spectrum import SIX_PEAK, FatSpectrum
from .fusion.learned import UNCALIBRATED, Learned
from .graph_cuts.graph_cuts import GraphCutOptions, graph_cuts
from .methods.magnitude import magnitude_fit
from .methods.one_shot import one_shot
from .methods.refined import refined
from .phase_correction.plan import CHOICES, MIXED, Repairs, plan_repairs
from .slice_pool import map_slices, one_core
from .timing import Stopwatch
from .voxelwise.candidates import wrap
from .voxelwise.mode import Solution
from .voxelwise.noise import foreground, noise_from_differences
from .voxelwise.slice_input import Scan, SliceInput

METHODS = tuple(method.value for method in Method)
GRAPH_CUTS = GraphCutOptions()
WITH_NETWORKS = (Method.REFINED, Method.ONE_SHOT)
CONJUGATE_CHOICES = CHOICES


def estimate(
    series: EchoSeries,
    method: str = "refined",
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    *,
    spectrum: FatSpectrum = SIX_PEAK,
    conjugate: str = "auto",
    bipolar: str = "auto",
    first_echo: str = "no",
    gain_steps: str = "no",
    networks: Networks | None = None,
    repairs: Repairs | None = None,
) -> ParameterMaps:
    """Estimate PDFF, R2* and field with uncertainty, slice by slice.

    Parameters
    ----------
    series : the scan.
    method : 'refined' (candidates with exact evidence and a smooth field, the default) or 'one-shot' (networks, one sub-bin
        step, weighted least squares), 'graph-cuts' (the reference, no networks: see `graph_cuts`) or 'magnitude' (no phase
        used: both solutions of every voxel, see `magnitude_fit`).
    device : 'auto' (CUDA where there is one), 'cpu' or 'cuda'. CUDA running out of memory falls back to the CPU;
        `provenance.notes` says so.
    progress : called with (slices done, slices in all), first with 0.
    cancel : asked between slices; when it returns True, `Cancelled` is raised. Slices run side by side on the CPU's cores.
    spectrum : of fat. conjugate : 'auto' lets the residual decide the rotation sense, 'yes' and 'no' override it.
    bipolar : 'auto' corrects a phase between odd and even echoes where the scan clearly has one, 'yes' and 'no' override it.
    first_echo : 'yes' corrects a phase error of the first echo, 'auto' where the scan clearly has one, 'mixed' leaves the phase
        of the first echo out of the last fit (see `repairs`, `mixed_fit`); 'mixed' needs the method 'refined'.
    gain_steps : 'yes' divides out a scale of each echo that only the data tell.
    networks : already loaded networks (on the device of the work); the bundled ones when None.
    repairs : what to mend, where that is known; when None the scan is searched as the options above say.

    Raises
    ------
    InputError
        For an unknown method or option; for a scan without phase unless the method is 'magnitude'. ModelError : when the
        bundled networks are missing or damaged. DeviceError : when CUDA was asked for and there is none. Cancelled : on
        request.
    """
    _check_choice("method", method, METHODS)
    target = choose_device(device)
    magnitudes_only = method == Method.MAGNITUDE
    if not (magnitudes_only or series.has_phase):
        raise InputError(
            f"The echoes are magnitudes without phase, which method '{method}' needs. Load phase (or real and imaginary) "
            f"images too, or use the method '{Method.MAGNITUDE.value}', which cannot always tell PDFF above 50 % from below."
        )
    if first_echo == MIXED and method != Method.REFINED:
        raise InputError(
            f"A mixed fit of the first echo was asked for with the method '{method}'; '{Method.REFINED.value}' was expected. "
            "Change one of the two."
        )
    with one_core() as cores:
        if magnitudes_only:
            plan = Repairs(False, "was not used (method magnitude)", True)
        else:
            plan = repairs or plan_repairs(series, spectrum, conjugate, bipolar, first_echo, gain_steps)
        notes = [*series.notes, *plan.notes]

        def run(on: torch.device) -> ParameterMaps:
            loaded = (networks or load_networks(str(on))) if method in WITH_NETWORKS else None
            return _run(series, plan, method, on, loaded, spectrum, notes, progress, cancel, cores)

        try:
            return run(target)
        except torch.cuda.OutOfMemoryError:
            if networks is not None:
                raise
            notes.append(f"{target} ran out of memory; the whole scan was estimated on the CPU instead.")
            torch.cuda.empty_cache()
            return run(torch.device("cpu"))


def choose_device(device: str) -> torch.device:
    """Translate 'auto', 'cpu' or 'cuda' (or 'cuda:1') into a torch device.

    Raises
    ------
    DeviceError
        When CUDA was asked for but is not there.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        return torch.device("cpu")
    if device.split(":")[0] == "cuda":
        if not torch.cuda.is_available():
            raise DeviceError("CUDA was asked for, but torch finds no CUDA device here. Use the CPU (--device cpu), or auto.")
        return torch.device(device)
    raise DeviceError(f"Device is '{device}'; auto, cpu or cuda was expected.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"Option {name} is '{value}'; one of {', '.join(choices)} was expected.")


def _run(
    series: EchoSeries,
    repairs: Repairs,
    method: str,
    device: torch.device,
    networks: Networks | None,
    spectrum: FatSpectrum,
    notes: list[str],
    progress: Callable[[int, int], None] | None,
    cancel: Callable[[], bool] | None,
    cores: int,
) -> ParameterMaps:
    watch = Stopwatch(device)
    learned = Learned.of(networks.settings if networks else {})
    scan = Scan.of(torch.from_numpy(series.te_s).to(device), series.field_strength_t, spectrum)
    maps = {name: np.zeros(series.shape, np.float32) for name in MAP_INFO}
    mask = np.zeros(series.shape, bool)

    def work(index: int) -> float:
        with watch("transfer"):
            echoes = torch.from_numpy(repairs.apply(series.echoes[:, index], index)).to(device)
        with torch.inference_mode():
            return _estimate_slice(echoes, scan, networks, method, learned, repairs.mixed, watch, maps, mask, index)

    workers = min(cores, series.shape[0]) if device.type == "cpu" else 1
    noise = map_slices(work, series.shape[0], workers, progress, cancel)
    notes = list(notes)
    if series.n_echoes == 3:
        way = "how much R2* differs between neighbours" if method == Method.REFINED else "spatial differences"
        notes.append(f"Three echoes leave no residual: the noise was estimated from {way}.")
    if not series.uniform_spacing:
        notes.append(f"Echo spacing is not uniform: off-resonance was searched within {scan.period_hz:.0f} Hz around 0.")
    if method == Method.REFINED and not learned.calibrated:
        notes.append(UNCALIBRATED)
    if not mask.any():
        notes.append("No voxel stands clear of the noise: all maps are empty.")
    provenance = Provenance(
        version=__version__,
        method=method,
        device=str(device),
        torch_version=torch.__version__,
        te_s=tuple(float(t) for t in series.te_s),
        field_strength_t=series.field_strength_t,
        spectrum=asdict(spectrum),
        models=networks.checksums if networks else {},
        phase_sign=repairs.sign_text,
        readout=series.readout.value,
        noise_sd=tuple(noise),
        source=series.source,
        options={"repairs": repairs.as_dict(), **_settings(method, learned)},
        notes=tuple(notes),
        seconds={name: round(s / workers, 4) for name, s in watch.seconds.items()},
    )
    return ParameterMaps(**maps, mask=mask, geometry=series.geometry, provenance=provenance)


def _settings(method: str, learned: Learned) -> dict[str, dict[str, Any]]:
    if method == Method.REFINED:
        return learned.as_settings()
    return {"graph_cuts": asdict(GRAPH_CUTS)} if method == Method.GRAPH_CUTS else {}


def _estimate_slice(
    echoes: torch.Tensor,
    scan: Scan,
    networks: Networks | None,
    method: str,
    learned: Learned,
    mixed: bool,
    watch: Stopwatch,
    maps: dict[str, np.ndarray],
    mask_out: np.ndarray,
    index: int,
) -> float:
    """Fill slice `index` of the maps and the mask; return the noise per real channel."""
    with watch("foreground"):
        if method == Method.MAGNITUDE:
            echoes = echoes.abs().to(echoes.dtype)
        rough_noise = noise_from_differences(echoes)
        mask = foreground(echoes, rough_noise)
    if not torch.any(mask):
        return float(rough_noise)
    rows, columns = _extent(mask.any(1)), _extent(mask.any(0))
    cropped, inner = echoes[:, rows, columns].contiguous(), mask[rows, columns]
    voxels = cropped[:, inner]
    if method == Method.GRAPH_CUTS:
        solution = graph_cuts(cropped, inner, scan, rough_noise, watch, GRAPH_CUTS)
    elif networks is None:
        with watch("magnitude fit"):
            solution = magnitude_fit(voxels.real, scan, noise_from_differences(cropped * inner), inner)
    else:
        with watch("network"):
            q, mean, variance = networks.field_distribution(cropped, scan.te_s, scan.field_strength_t, scan.spectrum)
        given = SliceInput(scan, networks, cropped, inner, voxels, q[:, inner], mean, variance[inner], rough_noise, mixed)
        solution = refined(given, watch, learned) if method == Method.REFINED else one_shot(given, watch)
    with watch("transfer"):
        place = mask.cpu().numpy()
        for name, values in _values(solution, scan, voxels).items():
            maps[name][index][place] = values.float().cpu().numpy()
        mask_out[index] = place
    return float(solution.noise_sd)


def _extent(occupied: torch.Tensor) -> slice:
    where = occupied.nonzero()
    return slice(int(where[0]), int(where[-1]) + 1)


def _values(solution: Solution, scan: Scan, voxels: torch.Tensor) -> dict[str, torch.Tensor]:
    best = solution.best
    # Amplitudes at t = 0: undo the decay up to the first echo (limited: a decay of pure noise must not blow up).
    growth = torch.exp((best.r2star_per_s * float(scan.te_s[0])).clamp(-2.0, 4.0))
    amplitude = (best.water + best.fat).abs() * growth
    energy = voxels.abs().square().sum(0).clamp_min(torch.finfo(torch.float32).tiny)
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
