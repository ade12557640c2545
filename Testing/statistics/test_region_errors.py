"""Standard errors of mean and median against Monte Carlo, one source of error at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage

from AIDEALLib.simulation.artefacts import zero_filled
from AIDEALLib.statistics import Measuring, NoiseCorrelation, Sample, region_statistics
from AIDEALLib.statistics.heterogeneity import ASSUMED_SHARE
from AIDEALLib.statistics.region_errors import EDGE_SHARE, OUTLYING_SHARE, SHARED_PER_POINT, region_errors

SHAPE = (1, 60, 60)
WHITE = NoiseCorrelation(np.ones((1, 1, 1)))
EVERY = np.ones(SHAPE, np.bool_)


@dataclass(frozen=True)
class Arrays:
    pdff: npt.NDArray[np.float64]
    pdff_sd: npt.NDArray[np.float64]
    pdff_total_sd: npt.NDArray[np.float64]
    swap_probability: npt.NDArray[np.float64]
    r2star: npt.NDArray[np.float64]
    mask: npt.NDArray[np.bool_]


def flat(pdff: npt.NDArray[np.float64], sd: float) -> Arrays:
    level = np.full(pdff.shape, sd)
    return Arrays(pdff, level, level, np.zeros(pdff.shape), level, np.ones(pdff.shape, np.bool_))


@pytest.mark.parametrize("texture", [0.0, 1.0, 4.0])
def test_median_errs_as_stated(texture: float) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(10, texture, SHAPE) if texture else np.full(SHAPE, 10.0)
    sd = 2.0
    medians = [np.median(truth + rng.normal(0, sd, SHAPE)) for _ in range(1500)]
    found = region_errors(flat(truth + rng.normal(0, sd, SHAPE), sd), EVERY, WHITE)
    shared = SHARED_PER_POINT * sd**2
    expected = math.hypot(float(np.std(medians)), shared)
    assert found.median == pytest.approx(expected, rel=0.1)
    assert found.mean == pytest.approx(math.hypot(sd / 60, shared), rel=0.02)


@pytest.mark.parametrize("texture", [0.0, 1.5])
def test_median_of_interpolated_noise_errs_as_stated(texture: float) -> None:
    """Noise of a quarter of k-space: the variance of the median grows less than that of the mean."""
    rng = np.random.default_rng(7)
    smooth = scipy.ndimage.gaussian_filter(rng.standard_normal(SHAPE), (0, 4, 4), mode="wrap")
    truth, sd = 10 + texture * smooth / smooth.std(), 3.0

    def noise() -> npt.NDArray[np.float64]:
        white = zero_filled((rng.standard_normal(SHAPE) + 1j * rng.standard_normal(SHAPE)).astype(np.complex64), 2.0)
        return np.asarray(2 * sd * white.real, np.float64)

    distances = np.arange(-8, 9)
    line = np.sinc(distances / 2)
    correlation = NoiseCorrelation(np.outer(line, line)[None])
    medians = [np.median(truth + noise()) for _ in range(1500)]
    stated = np.mean([region_errors(flat(truth + noise(), sd), EVERY, correlation).median for _ in range(20)])
    expected = math.hypot(float(np.std(medians)), SHARED_PER_POINT * sd**2)
    assert stated == pytest.approx(expected, rel=0.12)


def test_swapped_voxels_that_no_probability_tells_move_the_mean_as_stated() -> None:
    pdff = np.full(SHAPE, 10.0)
    pdff[0, 20:26, 20:26] = 90.0
    found = region_errors(flat(pdff, 0.5), EVERY, WHITE)
    moved = float(pdff.mean()) - 10.0
    assert found.mean == pytest.approx(OUTLYING_SHARE * moved, rel=0.05)
    assert found.median < 0.15 * found.mean


def test_swaps_of_a_patch_move_the_mean_as_stated() -> None:
    """A patch of one block is swapped as a whole with probability 0.2."""
    probability, jump = 0.2, 80.0
    patch = np.zeros(SHAPE, np.bool_)
    patch[0, 8:12, 16:20] = True
    rng = np.random.default_rng(1)
    share = np.count_nonzero(patch) / patch.size
    means = [10 + jump * share * (rng.random() < probability) for _ in range(4000)]
    maps = flat(np.full(SHAPE, 10.0), 0.01)
    variance = probability * (1 - probability) * jump**2
    total = np.where(patch, math.sqrt(variance), 0.01)
    found = region_errors(replace(maps, pdff_total_sd=total, swap_probability=0.2 * patch), EVERY, WHITE)
    assert found.mean == pytest.approx(float(np.std(means)), rel=0.05)
    assert found.median < found.mean


def test_an_edge_unlike_the_interior_counts() -> None:
    pdff = np.full(SHAPE, 10.0)
    region = np.zeros(SHAPE, np.bool_)
    region[0, 10:30, 10:30] = True
    pdff[0, 10, 10:30] = 60.0
    difference = float(pdff[region].mean()) - 10.0
    assert region_errors(flat(pdff, 0.01), region, WHITE).beyond_noise == pytest.approx(EDGE_SHARE * difference, rel=1e-3)
    assert region_errors(flat(np.full(SHAPE, 10.0), 0.01), region, WHITE).beyond_noise == 0


def test_a_circle_errs_about_its_lobe_as_stated() -> None:
    rng = np.random.default_rng(2)
    texture = scipy.ndimage.gaussian_filter(rng.standard_normal(SHAPE), (0, 3, 3), mode="wrap")
    truth, sd = 10 + 1.5 * texture / texture.std(), 0.5
    y, x = np.mgrid[:60, :60]
    off = []
    for _ in range(600):
        cy, cx = rng.integers(6, 54, 2)
        circle = (np.hypot(y - cy, x - cx) < 4.5)[None]
        off.append(float((truth + rng.normal(0, sd, SHAPE))[circle].mean() - truth.mean()))
    circle = (np.hypot(y - 30, x - 30) < 4.5)[None]
    maps = flat(truth + rng.normal(0, sd, SHAPE), sd)
    found = region_errors(maps, circle, WHITE, Sample(EVERY))
    assert found.mean == pytest.approx(float(np.sqrt(np.mean(np.square(off)))), rel=0.12)
    alone = region_errors(maps, circle, WHITE, Sample())
    assert alone.beyond_noise == pytest.approx(ASSUMED_SHARE * float(maps.pdff[circle].mean()))
    assert region_errors(maps, circle, WHITE).mean < found.mean


def test_skewed_errors_widen_the_median_only() -> None:
    rng = np.random.default_rng(5)
    skewed = 10 + 2 * (rng.gamma(4, size=SHAPE) - 4)
    straight = 10 + 4 * rng.standard_normal(SHAPE)
    a, b = (region_errors(flat(values, 4.0), EVERY, WHITE) for values in (skewed, straight))
    assert a.median > 2 * b.median
    assert a.mean == pytest.approx(b.mean, rel=0.01)
    assert a.median > abs(float(np.median(skewed)) - 10) / 2


def test_unknown_correlation_or_unknown_noise_gives_no_interval() -> None:
    maps = flat(np.full(SHAPE, 10.0), 1.0)
    row = region_statistics(maps, EVERY, "x", Measuring(1.0))
    assert row.pdff_mean == 10 and math.isnan(row.mean_error) and math.isnan(row.reported_low)
    unknown = replace(maps, pdff_sd=np.full(SHAPE, np.inf))
    assert math.isnan(region_errors(unknown, EVERY, WHITE).mean)
    assert math.isnan(region_errors(maps, np.zeros(SHAPE, np.bool_), WHITE).mean)
