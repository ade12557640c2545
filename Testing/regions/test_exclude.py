"""Edges and vessels left out: erosion in millimetres, vessels of a simulated liver found, noise left alone."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.regions.exclude import LeaveOut, leave_out, vessel_like

SPACING = (2.0, 3.0, 10.0)
SHAPE = (3, 60, 70)


@pytest.fixture
def region() -> np.ndarray:
    region = np.zeros(SHAPE, bool)
    region[:, 10:50, 10:60] = True
    return region


def maps(seed: int, vessel: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Water with a smooth coil, R2* and PDFF of a liver with noise; vessels have neither fat nor its R2*."""
    rng = np.random.default_rng(seed)
    coil = 1 + 0.4 * np.linspace(-1, 1, SHAPE[2])
    water, r2star, pdff = 100 * coil, np.full(SHAPE, 40.0), np.full(SHAPE, 15.0)
    if vessel is not None:
        water, r2star, pdff = (np.where(vessel, v, m) for v, m in ((115 * coil, water), (10.0, r2star), (0.0, pdff)))
    noise = ((3.0, water), (6.0, r2star), (2.0, pdff))
    return tuple(np.asarray(m + sd * rng.standard_normal(SHAPE), np.float32) for sd, m in noise)


def test_erosion_is_in_millimetres(region: np.ndarray) -> None:
    kept = leave_out(region, region, (), SPACING, LeaveOut(edge_mm=5.0))
    expected = np.zeros(SHAPE, bool)
    expected[:, 11:49, 12:58] = True  # 6 mm and more along columns, 6 mm and more along rows
    assert np.array_equal(kept.voxels, expected)
    assert kept.edge_percent == pytest.approx(100 - 100 * 38 * 46 / 2000)
    assert kept.vessel_percent == 0
    assert kept.percent == pytest.approx(100 * 38 * 46 / 2000)


def test_thin_slices_are_eroded_too(region: np.ndarray) -> None:
    region[0] = False
    kept = leave_out(region, region, (), (2.0, 3.0, 4.0), LeaveOut(edge_mm=5.0))
    assert not kept.voxels[1].any()
    assert kept.voxels[2].any()


def test_border_between_lobes_is_no_edge(region: np.ndarray) -> None:
    right = region & (np.arange(SHAPE[2]) < 35)
    kept = leave_out(right, region, (), SPACING, LeaveOut(edge_mm=5.0))
    assert kept.voxels[1, 30, 34]
    assert not kept.voxels[1, 30, 11]


def test_vessels_are_found_and_the_mean_is_that_of_the_tissue(region: np.ndarray) -> None:
    vessel = np.zeros(SHAPE, bool)
    vessel[:, 20:23, 10:60] = vessel[:, 10:50, 40:43] = True
    water, r2star, pdff = maps(1, vessel)
    kept = leave_out(region, region, (water, r2star, pdff), SPACING, LeaveOut(vessels=True))
    assert not np.any(kept.voxels & vessel)
    assert 60 < kept.percent < 85
    assert abs(pdff[kept.voxels].mean() - 15.0) < 0.15
    assert pdff[region].mean() < 13.5
    assert f"{kept.percent:.0f} % of the voxels are left" in kept.sentence("Right lobe")


def test_noise_alone_loses_few_voxels_and_no_bias(region: np.ndarray) -> None:
    water, r2star, pdff = maps(2)
    found = vessel_like(region, (water, r2star, pdff), SPACING)
    assert np.count_nonzero(found) < 0.03 * np.count_nonzero(region)
    assert abs(pdff[region & ~found].mean() - pdff[region].mean()) < 0.03


def test_nothing_to_leave_out(region: np.ndarray) -> None:
    assert not LeaveOut()
    assert leave_out(region, region, maps(3), SPACING, LeaveOut()).voxels is region
    empty = np.zeros(SHAPE, bool)
    assert not vessel_like(empty, maps(3), SPACING).any()
    assert not vessel_like(region, (np.zeros(SHAPE),), SPACING).any()
