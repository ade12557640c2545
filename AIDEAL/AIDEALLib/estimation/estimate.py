"""The one entry point of estimation: a multi-echo scan in, parameter maps with uncertainty out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..advice import advise
from ..choices import T1, FirstEcho
from ..echoes import EchoSeries
from ..errors import InputError
from ..models import Networks, NetworkSource, load_networks
from ..options import RunOptions
from ..parameter_maps import EXCITATION, EXCITATION_FIELDS, MAP_INFO, ParameterMaps, Provenance
from ..physics.spectrum import FatSpectrum, spectrum_by_name
from ..progress import Monitor, Step
from ..stopwatch import Stopwatch as StepWatch
from ..stopwatch import rounded
from ..version import __version__
from .adjoining_slices import FieldBeside, SliceStack, note_of
from .dephasing import DephasingRefit, dephasing_refit
from .device import choose_device
from .fusion.learned_settings import UNCALIBRATED, LearnedSettings
from .methods.context import MethodContext
from .methods.registry import METHODS, RegisteredMethod
from .model_spread import model_spread
from .noise_correlation import Table, noise_correlation
from .phase_correction.corrections import NO_CORRECTIONS, PhaseCorrections
from .phase_correction.plan import plan_corrections
from .result_check import check_maps, naming_slice
from .slice_estimate import estimate_slice
from .slice_pool import map_slices, one_core, side_by_side
from .t1_correction import required_t1_weighting, unknown_weighting, with_t1_correction
from .timing import Stopwatch
from .voxelwise.slice_input import Scan
from .voxelwise.truncation import truncated_k_space_of_scan

UNUSED_PHASE = replace(NO_CORRECTIONS, sign_text="was not used (method magnitude)")
CORRECTIONS = "phase_corrections"
"""Key of the phase corrections in the options of the provenance."""


def estimate(
    series: EchoSeries,
    options: RunOptions | None = None,
    *,
    spectrum: FatSpectrum | None = None,
    corrections: PhaseCorrections | None = None,
    networks: NetworkSource | None = None,
    monitor: Monitor | None = None,
) -> ParameterMaps:
    """Estimate PDFF, R2* and field with uncertainty, slice by slice, several slices side by side on the cores of a CPU.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    options : RunOptions, optional
        Method, device, spectrum and phase corrections of these; the defaults when None.
    spectrum : FatSpectrum, optional
        Overrides the spectrum that the options name.
    corrections : PhaseCorrections, optional
        What to correct, where it is known; otherwise the scan is searched as the options request.
    networks : callable, optional
        Gives the networks on a device; by default they are loaded from the folder in the options, or the bundled ones.
    monitor : Monitor, optional
        Told of steps and slices, and asked whether to cancel.

    Returns
    -------
    ParameterMaps
        The maps, with provenance.

    Raises
    ------
    InputError
        The scan has no phase and the method needs it, or options contradict each other.
    ModelError
        The networks are missing or damaged.
    DeviceError
        CUDA was requested and there is none.
    ResultError
        A slice could not be estimated, or its values cannot be right.
    Cancelled
        The monitor requested it.

    Notes
    -----
    CUDA running out of memory falls back to the CPU; the notes of the provenance state it.
    """
    options, monitor = options or RunOptions(), monitor or Monitor()
    method = METHODS[options.method]
    device = choose_device(options.device)
    _check(series, options, method)
    spectrum = spectrum or fat_spectrum(options)
    source = networks or networks_of(options)
    with one_core() as cores:
        if not method.phase:
            corrections = UNUSED_PHASE
        elif corrections is None:
            monitor.step(Step.PREPARE)
            corrections = plan_corrections(series, spectrum, options, source)
        run = _Run(series, options, spectrum, corrections, source, monitor)
        try:
            maps = run.on(device, cores)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            note = f"{device} ran out of memory; the whole scan was estimated on the CPU instead."
            maps = replace(run, notes=(note,)).on(torch.device("cpu"), cores)
    return with_t1_correction(maps, series) if options.t1 is T1.CORRECT else maps


def networks_of(options: RunOptions) -> NetworkSource:
    """Networks from the folder that options name, or the bundled ones."""
    return lambda device: load_networks(device, Path(options.models) if options.models else None, options.trust_models)


def fat_spectrum(options: RunOptions) -> FatSpectrum:
    """Fat spectrum that options name, with its offset."""
    return spectrum_by_name(options.spectrum.value).shifted(options.fat_shift_offset_ppm)


def _check(series: EchoSeries, options: RunOptions, method: RegisteredMethod) -> None:
    if method.phase and not series.has_phase:
        raise InputError(
            f"The echoes are magnitudes without phase, which method '{options.method}' needs.",
            advise(
                "Load phase (or real and imaginary) images too, or use {}, which cannot always distinguish PDFF above 50 % "
                "from below.",
                ("method", "magnitude"),
            ),
        )
    if options.t1 is T1.CORRECT:
        required_t1_weighting(series)
    if options.first_echo is FirstEcho.MIXED and not method.mixed_fit:
        raise InputError(
            f"A mixed fit of the first echo was requested with the method '{options.method}', which has none.",
            advise("Take {}, or another option of the first echo.", ("method", "refined")),
        )


@dataclass(frozen=True, eq=False)
class _Run:
    """A scan with all that its slices share."""

    series: EchoSeries
    options: RunOptions
    spectrum: FatSpectrum
    corrections: PhaseCorrections
    networks: NetworkSource
    monitor: Monitor
    notes: tuple[str, ...] = ()

    def on(self, device: torch.device, cores: int) -> ParameterMaps:
        """Estimate all slices on a device."""
        series, method, watch = self.series, METHODS[self.options.method], Stopwatch(device)
        loaded = None
        if method.networks:
            self.monitor.step(Step.NETWORKS)
            loaded = self.networks(str(device))
        learned = LearnedSettings.of(loaded.settings if loaded else {})
        context = MethodContext(watch, learned, loaded)
        scan = Scan.of(torch.from_numpy(series.te_s).to(device), series.field_strength_t, self.spectrum)

        maps = {name: np.zeros(series.shape, np.float32) for name in MAP_INFO}
        mask = np.zeros(series.shape, bool)

        filled = None
        if method.ringing and not self.corrections.mixed:
            with watch("ringing"), torch.inference_mode():
                filled = truncated_k_space_of_scan(self._corrected, series.shape[0])

        def work(index: int, beside: FieldBeside | None = None) -> float:
            with watch("transfer"):
                echoes = torch.from_numpy(self._corrected(index)).to(device)
            with torch.inference_mode(), naming_slice(index):
                found = estimate_slice(echoes, scan, method, context, self.corrections.mixed, filled, beside)
            mask[index] = found.mask
            for name, values in found.values.items():
                maps[name][index][found.mask] = values
            return found.noise_sd

        workers = min(cores, series.shape[0]) if device.type == "cpu" else 1
        noise_sd = map_slices(work, series.shape[0], workers, self.monitor.slices, self.monitor.cancelled)
        stack = SliceStack(maps, mask, scan, series.geometry.spacing_mm)
        settled = stack.settle(work, self.monitor.cancelled) if method.fusion else {}
        check_maps(maps, mask)
        provenance = Provenance(
            version=__version__,
            method=self.options.method.value,
            device=str(device),
            torch_version=torch.__version__,
            te_s=tuple(float(t) for t in series.te_s),
            field_strength_t=series.field_strength_t,
            spectrum=asdict(self.spectrum),
            models=loaded.checksums if loaded else {},
            phase_sign=self.corrections.sign_text,
            readout=series.readout.value,
            noise_sd=tuple(settled.get(z, sd) for z, sd in enumerate(noise_sd)),
            source=series.source,
            scan=series.checksum,
            options=self._options_of_provenance(method, learned),
            notes=self._notes(method, learned, scan, bool(mask.any())) + note_of(settled) + _origin(loaded),
            seconds=rounded(watch.seconds),
            cpu_seconds=rounded(watch.cpu_seconds),
        )
        return self._finished(ParameterMaps(**maps, mask=mask, geometry=series.geometry, provenance=provenance))

    def _finished(self, maps: ParameterMaps) -> ParameterMaps:
        """Refit where field gradients across slices dephase the echoes, and state what the errors of voxels have in common."""
        watch = StepWatch()
        refit, correlation, spread = side_by_side(
            lambda: self._dephasing_refit(maps, watch),
            lambda: self._noise_correlation(maps, watch),
            lambda: self._model_spread(watch),
        )
        if refit:
            maps = refit.write_into(maps)
            check_maps(dict(maps.items()), maps.mask)
        return _with_times(
            replace(maps, provenance=replace(maps.provenance, noise_correlation=correlation, model_spread=spread)), watch
        )

    def _corrected(self, index: int) -> npt.NDArray[np.complex64]:
        return self.corrections.apply(self.series.echoes[:, index], index)

    def _dephasing_refit(self, maps: ParameterMaps, watch: StepWatch) -> DephasingRefit | None:
        if not METHODS[self.options.method].dephasing or self.corrections.mixed:
            return None
        series = self.series
        scan = Scan.of(torch.from_numpy(series.te_s), series.field_strength_t, self.spectrum)
        with watch("dephasing"), torch.inference_mode():
            return dephasing_refit(maps, self._corrected, scan)

    def _noise_correlation(self, maps: ParameterMaps, watch: StepWatch) -> Table:
        series = self.series
        modulation = self.spectrum.modulation(torch.from_numpy(series.te_s), series.field_strength_t).numpy()
        with watch("shared errors"):
            return noise_correlation(maps, self._corrected, modulation, METHODS[self.options.method].phase)

    def _model_spread(self, watch: StepWatch) -> dict[str, Any]:
        options = self.options
        with watch("shared errors"):
            return model_spread(
                self.series, self.spectrum, self.corrections, options.fat_shift_offset_ppm, options.t1 is T1.CORRECT
            )

    def _options_of_provenance(self, method: RegisteredMethod, learned: LearnedSettings) -> dict[str, Any]:
        run = {**self.options.as_dict(), "models": Path(self.options.models).name}  # folders above may name people
        run["overrides"] |= {"study": "", "series": ""}  # so may descriptions; `scan` identifies the echoes
        excitation = {name: getattr(self.series, name) for name in EXCITATION_FIELDS}
        made = {CORRECTIONS: self.corrections.as_dict(), EXCITATION: excitation}
        return {"run": run, **made, **method.settings_in_use(learned)}

    def _notes(self, method: RegisteredMethod, learned: LearnedSettings, scan: Scan, signal: bool) -> tuple[str, ...]:
        notes = [*self.series.notes, *self.corrections.notes, *self.notes]
        if unknown := unknown_weighting(self.series):
            notes.append(unknown)
        if self.series.n_echoes == 3:
            notes.append(f"Three echoes leave no residual: the noise was estimated from {method.noise_of_three_echoes}.")
        if not self.series.uniform_spacing:
            notes.append(f"Echo spacing is not uniform: off-resonance was searched within {scan.period_hz:.0f} Hz around 0.")
        if method.fusion and not learned.calibrated:
            notes.append(UNCALIBRATED)
        if not signal:
            notes.append("No voxel stands clear of the noise: all maps are empty.")
        return tuple(notes)


def _with_times(maps: ParameterMaps, watch: StepWatch) -> ParameterMaps:
    """Add the times of further steps."""
    own = maps.provenance
    seconds, cpu = {**own.seconds, **rounded(watch.seconds)}, {**own.cpu_seconds, **rounded(watch.cpu_seconds)}
    return replace(maps, provenance=replace(own, seconds=seconds, cpu_seconds=cpu))


def _origin(loaded: Networks | None) -> tuple[str, ...]:
    if loaded is None or not loaded.origin:
        return ()
    return (f"The networks are those of the folder '{loaded.origin}', not the bundled ones.",)
