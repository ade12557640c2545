"""One row per method over all scans."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from .run import Results
from .score import ProtocolScore
from .worker import MethodDescription

REFINED = "refined"
GRAPH_CUTS = ("PyCSEMRI graph cut", "graph-cuts")
"""Reference methods for ratios of time; the second one where the first did not run."""
Seconds = dict[tuple[str, int], float]
"""Seconds per slice by protocol and patient."""


@dataclass(frozen=True)
class MethodSummary:
    """A method over all scans; PDFF in points, NaN for what does not exist.

    Attributes
    ----------
    method : str
        Name of the method.
    settings : str
        Settings of the method.
    version : str
        Version of the method.
    failure : str
        Why there are no figures; empty where there are.
    median_bias : float
        Median over lobes and scans of the absolute bias of a lobe's median.
    worst_bias : float
        Largest of them.
    absolute_error : float
        Mean over scans of the mean absolute error.
    r2star_bias_percent : float
        Median over scans of the absolute bias of R2*.
    liver_swap_percent : float
        Mean over scans.
    worst_liver_swap_percent : float
        Largest of the scans.
    body_swap_percent : float
        Mean over scans.
    agreement_bias : float
        Mean difference of Bland and Altman over square regions.
    agreement_half_width : float
        1.96 standard deviations of the differences.
    coverage_68_percent : float
        Median over scans.
    coverage_95_percent : float
        Median over scans.
    seconds_per_slice : float
        Wall time, median over scans.
    cpu_seconds_per_slice : float
        CPU time of all threads, median over scans; other load on the machine hardly changes it.
    times_refined : float
        Median over scans of the ratio of time to the method `refined`.
    times_graph_cuts : float
        Median over scans of the ratio of time to the graph cuts that `graph_cut_reference` names.
    peak_mib : float
        Peak memory of the process, MiB.
    """

    method: str
    settings: str = ""
    version: str = ""
    failure: str = ""
    median_bias: float = nan
    worst_bias: float = nan
    absolute_error: float = nan
    r2star_bias_percent: float = nan
    liver_swap_percent: float = nan
    worst_liver_swap_percent: float = nan
    body_swap_percent: float = nan
    agreement_bias: float = nan
    agreement_half_width: float = nan
    coverage_68_percent: float = nan
    coverage_95_percent: float = nan
    seconds_per_slice: float = nan
    cpu_seconds_per_slice: float = nan
    times_refined: float = nan
    times_graph_cuts: float = nan
    peak_mib: float = nan

    @property
    def title(self) -> str:
        """Name for a table, with the reason where there are no figures."""
        return f"{self.method} ({self.failure})" if self.failure else self.method


def graph_cut_reference(results: Results) -> str:
    """Name of the first of `GRAPH_CUTS` that ran on every scan; empty where none did."""
    return next((name for name in GRAPH_CUTS if name in results.complete), "")


def summaries(results: Results) -> list[MethodSummary]:
    """Rows in the order of the methods; a method that did not run on every scan has no figures."""
    scores = {name: [s for s in results.scores if s.method == name] for name in results.complete}
    refined, graph_cuts = (_seconds(scores.get(name, [])) for name in (REFINED, graph_cut_reference(results)))
    return [
        MethodSummary(name, description.settings, description.version, description.failure)
        if description.failure
        else _summary(name, scores[name], description, refined, graph_cuts)
        for name, description in results.descriptions.items()
    ]


def _seconds(scores: Iterable[ProtocolScore]) -> Seconds:
    return {(s.protocol, s.patient): s.seconds_per_slice for s in scores}


def _summary(
    name: str, scores: list[ProtocolScore], description: MethodDescription, refined: Seconds, graph_cuts: Seconds
) -> MethodSummary:
    biases = [bias for s in scores for bias in s.lobe_biases]
    differences = np.array([found - true for s in scores for true, found in s.rois])
    return MethodSummary(
        method=name,
        settings=description.settings,
        version=description.version,
        median_bias=_median(biases),
        worst_bias=max(biases, default=nan),
        absolute_error=float(np.mean([s.absolute_error for s in scores])),
        r2star_bias_percent=_median(abs(s.r2star_bias_percent) for s in scores),
        liver_swap_percent=float(np.mean([s.liver_swap_percent for s in scores])),
        worst_liver_swap_percent=max(s.liver_swap_percent for s in scores),
        body_swap_percent=float(np.mean([s.body_swap_percent for s in scores])),
        agreement_bias=float(differences.mean()) if differences.size else nan,
        agreement_half_width=1.96 * float(differences.std(ddof=1)) if differences.size > 1 else nan,
        coverage_68_percent=_median(s.coverage_68_percent for s in scores),
        coverage_95_percent=_median(s.coverage_95_percent for s in scores),
        seconds_per_slice=_median(s.seconds_per_slice for s in scores),
        cpu_seconds_per_slice=_median(s.cpu_seconds_per_slice for s in scores),
        times_refined=_ratio(scores, refined),
        times_graph_cuts=_ratio(scores, graph_cuts),
        peak_mib=max(s.peak_mib for s in scores),
    )


def _ratio(scores: Iterable[ProtocolScore], reference: Seconds) -> float:
    """Median ratio of time, scan by scan; NaN without a reference."""
    return _median(s.seconds_per_slice / reference.get((s.protocol, s.patient), nan) for s in scores)


def _median(values: Iterable[float]) -> float:
    """Median of the finite values; NaN where there are none."""
    finite = [v for v in values if isfinite(v)]
    return statistics.median(finite) if finite else nan
