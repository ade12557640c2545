"""The weighted mean: its standard error is the spread of repeated measurements."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.statistics import inverse_variance_mean


def test_weighted_standard_error_is_that_of_repeated_measurements() -> None:
    rng = np.random.default_rng(5)
    sd = rng.uniform(0.5, 4, 40)
    means = [inverse_variance_mean(rng.normal(7, sd), sd)[0] for _ in range(4000)]
    assert np.mean(means) == pytest.approx(7, abs=0.02)
    assert np.std(means) == pytest.approx(inverse_variance_mean(sd, sd)[1], rel=0.04)
