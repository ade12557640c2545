"""What a report is about."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..advice import Wording, plain_words
from ..echoes import EchoSeries
from ..io.output.dicom.content import Region
from ..parameter_maps import ParameterMaps
from ..quality.findings import QualityReport
from ..statistics import TANG_2015, LiverPart, SteatosisCutoffs


@dataclass(frozen=True, eq=False)
class ReportContent:
    """Scan, maps, regions and findings of a run.

    Attributes
    ----------
    series : EchoSeries or None
        The scan; None where only its maps are at hand, and no fit is shown.
    maps : ParameterMaps
        Its maps.
    regions : tuple of Region
        Regions measured, in the order of the table.
    quality : QualityReport
        Findings.
    region_notes : tuple of str
        What the regions need explained.
    cutoffs : SteatosisCutoffs
        Cut-offs of the grades.
    wording : callable
        Names the settings in advice.
    """

    series: EchoSeries | None
    maps: ParameterMaps
    regions: tuple[Region, ...]
    quality: QualityReport = field(default_factory=lambda: QualityReport(()))
    region_notes: tuple[str, ...] = ()
    cutoffs: SteatosisCutoffs = TANG_2015
    wording: Wording = plain_words

    @property
    def main(self) -> Region | None:
        """The region whose number comes first: the whole liver, else the largest part of it; None where none is liver."""
        filled = [region for region in self.regions if region.statistics.used_voxels]
        for region in filled:
            if _is_segment(region) and region.part is LiverPart.LIVER:
                return region
        parts = [region for region in filled if _is_segment(region) and region.part is not None]
        return max(parts, key=lambda region: region.statistics.voxels, default=None)

    @property
    def without_number(self) -> Region | None:
        """Liver, or the largest part of it, whose number is withheld; None where there is none."""
        parts = [r for r in self.regions if r.statistics.withheld and _is_segment(r) and r.part is not None]
        return max(parts, key=lambda region: region.statistics.voxels, default=None)

    @property
    def shown(self) -> tuple[Region, ...]:
        """Regions with voxels."""
        return tuple(region for region in self.regions if region.mask.any())


def _is_segment(region: Region) -> bool:
    """Circles carry the name of their segment."""
    return " ROI " not in region.name
