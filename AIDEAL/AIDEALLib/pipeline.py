"""The only way a run is done: load -> check -> phase corrections -> estimate -> assess."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .choices import T1
from .echoes import EchoSeries
from .io.load import load_series
from .options import RunOptions
from .parameter_maps import ParameterMaps
from .progress import Monitor, Step
from .stopwatch import Stopwatch, rounded

# What needs torch is imported while the scan is read.
if TYPE_CHECKING:
    from .estimation.phase_correction.corrections import PhaseCorrections
    from .estimation.region_fit import RegionEstimate
    from .models import NetworkSource
    from .physics.spectrum import FatSpectrum
    from .quality.findings import QualityReport
    from .quality.preflight import Preflight

Path = str | os.PathLike[str]
Source = EchoSeries | Path | Sequence[Path]
"""A scan, or the path or paths of its files."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a run.

    Attributes
    ----------
    series : EchoSeries
        The scan as loaded.
    maps : ParameterMaps
        The maps, with the provenance of the whole run.
    options : RunOptions
        Options of the run.
    preflight : Preflight or None
        Check before the estimate; None where no check was requested.
    quality : QualityReport or None
        Check of scan and maps; None where no check was requested.
    """

    series: EchoSeries
    maps: ParameterMaps
    options: RunOptions
    preflight: Preflight | None = None
    quality: QualityReport | None = None


def run(
    source: Source,
    options: RunOptions | None = None,
    *,
    check: bool = True,
    spectrum: FatSpectrum | None = None,
    corrections: PhaseCorrections | None = None,
    networks: NetworkSource | None = None,
    monitor: Monitor | None = None,
) -> Outcome:
    """Estimate a scan and check it before and after.

    Parameters
    ----------
    source : EchoSeries, or path, or sequence of paths
        The scan, or the files to load it from.
    options : RunOptions, optional
        Options of the run; the defaults when None.
    check : bool
        Check the scan before and the result after the estimate.
    spectrum : FatSpectrum, optional
        Overrides the spectrum that the options name.
    corrections : PhaseCorrections, optional
        What to correct, where it is known; otherwise the scan is searched as the options request.
    networks : callable, optional
        Gives the networks on a device; by default they are loaded from the folder in the options, or the bundled ones.
    monitor : Monitor, optional
        Receives steps and slices, and is asked whether to cancel.

    Returns
    -------
    Outcome
        Maps, findings and provenance.

    Raises
    ------
    UnusableScan
        The check before the estimate found the scan unusable, or the rotation sense is open, and the options do not include
        `anyway`.
    AidealError
        Whatever `io.load.load_series` and `estimation.estimate.estimate` raise.
    """
    options, monitor = options or RunOptions(), monitor or Monitor()
    watch = Stopwatch()
    series = source if isinstance(source, EchoSeries) else _load(source, options, monitor, watch)

    from .estimation.device import choose_device
    from .estimation.estimate import estimate, fat_spectrum, networks_of
    from .estimation.methods.registry import METHODS
    from .estimation.phase_correction.plan import plan_corrections
    from .estimation.slice_choice import with_slices
    from .estimation.slice_pool import one_core, side_by_side
    from .quality.assess import assess
    from .quality.preflight import preflight

    device = choose_device(options.device)
    spectrum = spectrum or fat_spectrum(options)
    series = with_slices(series, options.slices)
    networks = cache(networks or networks_of(options))

    search = corrections is None and options.uses_phase and series.has_phase

    def checked_scan() -> Preflight | None:
        found = None
        if check:
            monitor.step(Step.CHECK)
            with watch("checking"):
                found = preflight(series, options, spectrum)
            if not options.anyway:
                found.refuse()
        if search:
            monitor.step(Step.PREPARE)
        return found

    def planned() -> PhaseCorrections | None:
        if not search:
            return corrections
        with watch("phase corrections"):
            return plan_corrections(series, spectrum, options, networks)

    def load_networks() -> None:
        if METHODS[options.method].networks:
            networks(str(device))

    with one_core():
        checked, corrections, _ = side_by_side(checked_scan, planned, load_networks)
        monitor.ready(series, checked.expectation if checked else "")
        _refuse_undecided(series, corrections, spectrum, options, check)
        maps = estimate(series, options, spectrum=spectrum, corrections=corrections, networks=networks, monitor=monitor)
        quality = None
        if check:
            monitor.step(Step.ASSESS)
            signal = checked.signal if checked else None
            quality = assess(series, maps, options, spectrum=spectrum, corrections=corrections, signal=signal, watch=watch)
            maps = replace(maps, provenance=replace(maps.provenance, usability=quality.usability))
    return Outcome(series, _with_times(maps, watch), options, checked, quality)


def region_fit_of(outcome: Outcome) -> Callable[[npt.NDArray[np.bool_]], RegionEstimate | None] | None:
    """Joint estimate of any region of a run (`estimation.joint_estimate`); None for a run without phase."""
    from .estimation.estimate import CORRECTIONS
    from .estimation.joint_estimate import joint_estimate_of
    from .estimation.phase_correction.corrections import PhaseCorrections
    from .estimation.t1_correction import required_t1_weighting

    series, provenance = outcome.series, outcome.maps.provenance
    if not outcome.options.uses_phase:
        return None
    corrections = PhaseCorrections.from_dict(provenance.options[CORRECTIONS])
    fit = joint_estimate_of(series, outcome.maps, lambda index: corrections.apply(series.echoes[:, index], index))
    if outcome.options.t1 is not T1.CORRECT:
        return fit
    weighting = required_t1_weighting(series)

    def corrected(region: npt.NDArray[np.bool_]) -> RegionEstimate | None:
        found = fit(region)
        if found is None:
            return None
        pdff, error = np.array(found.pdff), np.array(found.pdff_error)
        return replace(found, pdff=float(weighting.corrected(pdff)), pdff_error=float(weighting.corrected_sd(pdff, error)))

    return corrected


def _load(source: Path | Sequence[Path], options: RunOptions, monitor: Monitor, watch: Stopwatch) -> EchoSeries:
    monitor.step(Step.READ)
    with watch("reading"):
        return load_series(source, options.overrides, options.keep_names, meanwhile=_import_torch)


def _import_torch() -> None:
    for module in (".estimation.estimate", ".quality.assess"):
        import_module(module, __package__)


def _refuse_undecided(
    series: EchoSeries, corrections: PhaseCorrections | None, spectrum: FatSpectrum, options: RunOptions, check: bool
) -> None:
    """Raise where a choice that exchanges water and fat is open."""
    from .quality.corrections import assess_corrections
    from .quality.fat_shift import fat_shift_of_echoes
    from .quality.findings import Severity
    from .quality.preflight import UnusableScan

    if corrections is None:
        return
    stops = tuple(f for f in assess_corrections(corrections) if f.severity is Severity.STOP)
    if check and stops and not options.anyway:
        raise UnusableScan((*fat_shift_of_echoes(series, corrections, spectrum), *stops))


def _with_times(maps: ParameterMaps, watch: Stopwatch) -> ParameterMaps:
    """Add the steps around the estimate to those of the estimate."""
    own = maps.provenance
    seconds, cpu = rounded(watch.seconds) | own.seconds, rounded(watch.cpu_seconds) | own.cpu_seconds
    return replace(maps, provenance=replace(own, seconds=seconds, cpu_seconds=cpu))
