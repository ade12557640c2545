"""What is exported of a result."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ....parameter_maps import ParameterMaps
from ....statistics import WHOLE_LIVER, LiverPart, SegmentStatistics, liver_part


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
    terminology : str
        Terminology entry, by which liver is recognised where the name leaves it open.
    """

    mask: npt.NDArray[np.bool_]
    statistics: SegmentStatistics
    manual: bool = True
    terminology: str = ""

    @property
    def part(self) -> LiverPart | None:
        """Part of the liver that it is, None where it is none."""
        return LiverPart.LIVER if self.name == WHOLE_LIVER else liver_part(self.name, self.terminology)

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
