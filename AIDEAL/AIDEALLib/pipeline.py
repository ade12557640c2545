"""The only way a run is done: load -> check -> phase corrections -> estimate -> assess."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .choices import T1
from .echoes import EchoSeries
from .estimation.estimate import CORRECTIONS, choose_device, estimate, fat_spectrum, networks_of
from .estimation.phase_correction.plan import PhaseCorrections, plan_corrections
from .estimation.region_fit import RegionEstimate, region_fit
from .estimation.slice_choice import with_slices
from .estimation.slice_pool import one_core
from .estimation.t1_correction import required_t1_weighting
from .io.load import load_series
from .models import NetworkSource
from .options import RunOptions
from .parameter_maps import ParameterMaps
from .physics.spectrum import FatSpectrum
from .progress import Monitor, Step
from .quality.assess import assess
from .quality.corrections import assess_corrections
from .quality.findings import QualityReport, Severity
from .quality.preflight import Preflight, UnusableScan, preflight
from .stopwatch import Stopwatch, rounded

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


@one_core()
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
    spectrum = spectrum or fat_spectrum(options)
    choose_device(options.device)
    watch = Stopwatch()
    series = source if isinstance(source, EchoSeries) else _load(source, options, monitor, watch)
    series = with_slices(series, options.slices)
    checked = _preflight(series, options, spectrum, monitor, watch) if check else None
    monitor.ready(series, checked.expectation if checked else "")
    if corrections is None and options.uses_phase and series.has_phase:
        monitor.step(Step.PREPARE)
        with watch("phase corrections"):
            corrections = plan_corrections(series, spectrum, options, networks or networks_of(options))
        _refuse_undecided(corrections, options, check)
    maps = estimate(series, options, spectrum=spectrum, corrections=corrections, networks=networks, monitor=monitor)
    quality = None
    if check:
        monitor.step(Step.ASSESS)
        with watch("checking"):
            quality = assess(
                series, maps, options, spectrum=spectrum, corrections=corrections, signal=checked.signal if checked else None
            )
        maps = replace(maps, provenance=replace(maps.provenance, usability=quality.usability))
    return Outcome(series, _with_times(maps, watch), options, checked, quality)


def region_fit_of(outcome: Outcome) -> Callable[[npt.NDArray[np.bool_]], RegionEstimate | None] | None:
    """Joint estimate of any region of a run (`estimation.region_fit`); None for a run without phase."""
    series, provenance = outcome.series, outcome.maps.provenance
    if not outcome.options.uses_phase:
        return None
    corrections = PhaseCorrections.from_dict(provenance.options[CORRECTIONS])
    fit = region_fit(series, outcome.maps, lambda index: corrections.apply(series.echoes[:, index], index))
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
        return load_series(source, options.overrides, options.keep_names)


def _preflight(series: EchoSeries, options: RunOptions, spectrum: FatSpectrum, monitor: Monitor, watch: Stopwatch) -> Preflight:
    monitor.step(Step.CHECK)
    with watch("checking"):
        found = preflight(series, options, spectrum)
    if not options.anyway:
        found.refuse()
    return found


def _refuse_undecided(corrections: PhaseCorrections, options: RunOptions, check: bool) -> None:
    """Raise where a choice that exchanges water and fat is open."""
    stops = tuple(f for f in assess_corrections(corrections) if f.severity is Severity.STOP)
    if check and stops and not options.anyway:
        raise UnusableScan(stops)


def _with_times(maps: ParameterMaps, watch: Stopwatch) -> ParameterMaps:
    """Add the steps around the estimate to those of the estimate."""
    own = maps.provenance
    seconds, cpu = rounded(watch.seconds) | own.seconds, rounded(watch.cpu_seconds) | own.cpu_seconds
    return replace(maps, provenance=replace(own, seconds=seconds, cpu_seconds=cpu))
