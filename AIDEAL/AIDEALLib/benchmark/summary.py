"""One row a method over all scans."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from .run import Results
from .score import ProtocolScore


@dataclass(frozen=True)
class MethodSummary:
    """A method over all scans; PDFF in points, NaN for what does not exist.

    Attributes
    ----------
    median_bias, worst_bias : size of the bias of a lobe's median, over lobes and scans.
    absolute_error, r2star_bias_percent : mean over scans of the mean absolute error, median of the size of the bias of R2*.
    liver_swap_percent, worst_liver_swap_percent, body_swap_percent : means over scans, and the worst scan.
    agreement_bias, agreement_half_width : Bland-Altman over square regions: mean difference, 1.96 standard deviations.
    coverage_68_percent, coverage_95_percent : medians over scans.
    seconds_per_slice : median over scans. times_refined : median ratio to the first method, scan by scan.
    peak_mib : largest memory of the process.
    """

    method: str
    settings: str
    version: str
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
    times_refined: float = nan
    peak_mib: float = nan

    @property
    def title(self) -> str:
        """Name for a table."""
        return self.method if isfinite(self.seconds_per_slice) else f"{self.method} (not installed)"


def summaries(results: Results) -> list[MethodSummary]:
    """Rows in the order of the methods; a method that is not installed has no figures, and says so in its settings."""
    by_method = {name: [s for s in results.scores if s.method == name] for name in results.introductions}
    reference = {(s.protocol, s.patient): s.seconds_per_slice for s in next(iter(by_method.values()), [])}
    return [
        _summary(name, by_method[name], reference, said.settings, said.version)
        if by_method[name]
        else MethodSummary(name, f"not installed: {said.missing}", "")
        for name, said in results.introductions.items()
    ]


def _summary(
    name: str, scores: list[ProtocolScore], reference: dict[tuple[str, int], float], settings: str, version: str
) -> MethodSummary:
    biases = [bias for s in scores for bias in s.lobe_biases]
    differences = np.array([found - true for s in scores for true, found in s.rois])
    return MethodSummary(
        method=name,
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
        times_refined=_median(s.seconds_per_slice / reference[s.protocol, s.patient] for s in scores),
        peak_mib=max(s.peak_mib for s in scores),
        settings=settings,
        version=version,
    )


def _median(values: Iterable[float]) -> float:
    """Median of the finite values, NaN of none."""
    finite = [v for v in values if isfinite(v)]
    return statistics.median(finite) if finite else nan
