"""Both solutions of magnitudes are weighed in a liver, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from AIDEALLib.statistics import Measuring, RunErrors, segments_of
from AIDEALLib.statistics.regions import segment_statistics
from AIDEALLib.statistics.two_solutions import ABOVE_HALF, WeighedMaps, weighed_as_liver

SHAPE = (1, 20, 20)


@dataclass(frozen=True)
class Solutions:
    """Two solutions of every voxel, the first with probability 1 - s."""

    reported: float
    other: float
    s: float
    sd: float = 2.0

    def maps(self) -> WeighedMaps:
        def full(value: float) -> np.ndarray:
            return np.full(SHAPE, value, np.float32)

        total = (self.sd**2 + self.s * (self.other - self.reported) ** 2) ** 0.5
        ones = full(1.0)
        return WeighedMaps(
            full(self.reported), full(self.sd), full(total), full(self.s), ones, ones, ones, ones, np.ones(SHAPE, dtype=bool)
        )

    @property
    def expected(self) -> tuple[float, float]:
        """Mean and standard deviation of the two, with the prior of a liver."""
        weight = [(ABOVE_HALF if value > 50 else 1 - ABOVE_HALF) for value in (self.reported, self.other)]
        a, b = (1 - self.s) * weight[0], self.s * weight[1]
        a, b = a / (a + b), b / (a + b)
        mean = a * self.reported + b * self.other
        variance = a * (self.reported - mean) ** 2 + b * (self.other - mean) ** 2 + self.sd**2
        return mean, variance**0.5


@pytest.mark.parametrize(
    "two",
    [Solutions(12, 88, 0.1), Solutions(88, 12, 0.3), Solutions(88, 12, 1e-4), Solutions(40, 65, 0.4), Solutions(12, 12, 0)],
)
def test_expected_fat_fraction_is_that_of_both_solutions(two: Solutions) -> None:
    found, (mean, sd) = weighed_as_liver(two.maps()), two.expected
    assert found.pdff == pytest.approx(np.full(SHAPE, mean), abs=0.01)
    assert found.pdff_total_sd == pytest.approx(np.full(SHAPE, sd), rel=1e-3)


@pytest.mark.parametrize(("name", "weighed"), [("Right lobe", True), ("Liver", True), ("Subcutaneous fat", False)])
@pytest.mark.parametrize("from_magnitudes", [True, False])
def test_only_livers_of_magnitudes_are_weighed(name: str, weighed: bool, from_magnitudes: bool) -> None:
    maps = Solutions(88, 12, 0.4).maps()
    half = np.where(np.arange(20) < 10, 12.0, maps.pdff).astype(np.float32)
    maps = replace(maps, pdff=half, swap_probability=np.where(half > 50, maps.swap_probability, 0))
    errors = replace(RunErrors.of({}), from_magnitudes=from_magnitudes)
    row = segment_statistics(maps, segments_of(np.ones(SHAPE, int), {1: name}), Measuring(1.0, errors=errors))[0]
    assert row.pdff_mean == pytest.approx(13 if weighed and from_magnitudes else 50, abs=1)


def test_a_run_states_that_it_is_of_magnitudes() -> None:
    assert RunErrors.of({"method": "magnitude"}).from_magnitudes
    assert not RunErrors.of({"method": "refined"}).from_magnitudes
