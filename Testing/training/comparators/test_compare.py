"""The comparison finds a known bias."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.training.comparators.compare import LOBES, compare


def test_a_method_that_is_two_points_high_has_a_bias_of_two() -> None:
    methods = {name: lambda s, x=x: np.full(s.shape, x, np.float32) for name, x in (("two", 2.0), ("zero", 0.0))}
    rows = list(compare(methods, patients=2, matrix=64))
    assert {row.lobe for row in rows} == set(LOBES.values())
    assert len(rows) == 3 * 2 * 2
    for two, zero in zip(*([r for r in rows if r.method == name] for name in ("two", "zero")), strict=True):
        assert two.bias - zero.bias == pytest.approx(2, abs=1e-4)
        assert two.sd == pytest.approx(zero.sd, abs=1e-4)
        assert zero.bias < -1, "livers have fat"
        assert zero.mean_absolute == pytest.approx(-zero.bias, rel=0.1)
