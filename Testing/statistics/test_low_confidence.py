"""Low confidence: either limit exceeded, or no number."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from AIDEALLib.statistics import LowConfidence


def test_either_limit_or_nan_is_low_confidence() -> None:
    maps = SimpleNamespace(
        swap_probability=np.array([[[0.0, 0.02, 0.021, 0.0, np.nan, 0.0]]], np.float32),
        pdff_total_sd=np.array([[[1.0, 1.0, 1.0, 5.1, 1.0, np.nan]]], np.float32),
    )
    limits = LowConfidence(swap_probability=0.0201, total_sd_points=5.0)
    assert limits.select(maps).ravel().tolist() == [False, False, True, True, True, True]
