"""What is exported of a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....parameter_maps import ParameterMaps
from ....statistics import SegmentStatistics


@dataclass(frozen=True, eq=False)
class Region:
    """A region with its statistics.

    Attributes
    ----------
    mask : np.ndarray, shape (slice, row, column), bool
        Its voxels.
    statistics : SegmentStatistics
        Its row of the table.
    manual : bool
        Drawn or supplied by a user, not found by the program.
    """

    mask: npt.NDArray[np.bool_]
    statistics: SegmentStatistics
    manual: bool = True

    @property
    def name(self) -> str:
        """Name of the region."""
        return self.statistics.name


@dataclass(frozen=True, eq=False)
class ExportContent:
    """Maps, regions, findings and report of a run.

    Attributes
    ----------
    maps : ParameterMaps
        The maps.
    regions : tuple of Region
        Regions measured.
    findings : tuple of str
        Findings in words, the worst first.
    grading : str
        Scheme of the steatosis grades, '' where none applies.
    report_pdf : bytes or None
        The report.
    """

    maps: ParameterMaps
    regions: tuple[Region, ...]
    findings: tuple[str, ...] = ()
    grading: str = ""
    report_pdf: bytes | None = None
