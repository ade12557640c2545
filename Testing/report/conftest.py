"""What is reported: the synthetic liver with its lobes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from AIDEALLib.advice import advise
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.output.dicom.content import Region
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.quality.findings import Finding, QualityReport, Severity
from AIDEALLib.report.content import ReportContent
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import WHOLE_LIVER, Measuring, RunErrors, liver_groups, region_statistics

FINDINGS = (
    Finding("swap-suspect", Severity.WARN, "Water & fat <may> be swapped.", advise("Look."), (0, 1, 4), 30, 250.0),
    Finding("bipolar-corrected", Severity.INFO, "Corrected.", advise("Nothing to do.")),
)


@pytest.fixture(scope="session")
def report_content(liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps) -> ReportContent:
    series, truth = liver
    masks = {name: truth.labels == label for label, name in truth.label_names.items()}
    masks[WHOLE_LIVER] = sum(truth.labels == label for label in liver_groups(truth.label_names)[WHOLE_LIVER]) > 0
    volume = liver_maps.geometry.voxel_volume_ml
    errors = RunErrors.of(liver_maps.provenance.as_dict())
    regions = tuple(Region(m, region_statistics(liver_maps, m, n, Measuring(volume, errors=errors))) for n, m in masks.items())
    maps = replace(liver_maps, provenance=replace(liver_maps.provenance, source="scan <of> a phantom & more"))
    quality = QualityReport(FINDINGS, {"snr": 21.0, "pdff_sd_at_10": 3.25})
    return ReportContent(series, maps, regions, quality, ("Right lobe: 3 % left out.",))
