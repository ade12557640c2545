"""Adapter to mri-fatwater, where the package is installed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.benchmark.comparators.scans import patients
from AIDEALLib.benchmark.method import Unavailable
from AIDEALLib.benchmark.mri_fatwater import MultiScaleGraphCut
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.protocol import PAPER


def test_an_easy_scan_is_estimated_and_unequal_echo_spacing_refused() -> None:
    try:
        peer = MultiScaleGraphCut()
    except Unavailable as missing:
        pytest.skip(str(missing))
    scan = next(patients(1, 300, 64, PAPER))
    found = peer.estimate(scan.series)
    liver = scan.segments["Right lobe"]
    assert abs(np.median(found.pdff[liver]) - np.median(scan.pdff[liver])) < 0.5
    te_s = scan.series.te_s.copy()
    te_s[1] += 0.3e-3
    with pytest.raises(InputError, match="equal distances"):
        peer.estimate(replace(scan.series, te_s=te_s))
