"""Suggested circles: inside their region, off edge, dome and what must be avoided, as large as fits, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from AIDEALLib.regions.suggest import CircleRules, Suggestion, in_slice_distance, nine_segments, suggest_circles
from AIDEALLib.statistics import Segment

SPACING = (3.0, 2.5, 8.0)
SHAPE = (9, 48, 48)


def blob(seed: int) -> np.ndarray:
    """A smooth, irregular organ that fills about half of the grid."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    noise = gaussian_filter(rng.standard_normal(SHAPE), (1, 4, 4))
    return np.asarray(0.9 - x**2 - y**2 - 0.8 * z**2 + noise / noise.std() * 0.12 > 0)


def halves(liver: np.ndarray) -> dict[str, np.ndarray]:
    left = np.broadcast_to(np.arange(SHAPE[2]) >= 24, SHAPE)
    return {"Right lobe": liver & ~left, "Left lobe": liver & left}


def suggested(seed: int, rules: CircleRules) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, Suggestion]:
    liver = blob(seed)
    usable = gaussian_filter(np.random.default_rng(seed + 1).standard_normal(SHAPE), (0, 1.5, 1.5)) < 0.42
    regions = halves(liver)
    return liver, regions, usable, suggest_circles(regions, usable, SPACING, rules=rules)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([5.0, 10.0]), st.sampled_from([0.0, 15.0]))
def test_circles_keep_every_rule(seed: int, most: int, edge_mm: float, dome_mm: float) -> None:
    rules = CircleRules(most, edge_mm=edge_mm, dome_mm=dome_mm)
    liver, regions, usable, found = suggested(seed, rules)
    edge = in_slice_distance(liver, SPACING)
    top = np.where(liver, np.arange(SHAPE[0])[:, None, None], -1).max(axis=0)
    taken = np.zeros(SHAPE, bool)
    for circle in found.circles:
        voxels = circle.voxels(SHAPE, SPACING)
        assert voxels.any()
        assert not np.any(voxels & ~regions[circle.place])
        assert not np.any(voxels & ~usable)
        # the organ's gaps of less than 12 mm count as vessels, whose edge is not the organ's
        assert edge[voxels].min() >= min(edge_mm, rules.clear_mm)
        assert circle.edge_mm >= edge_mm - 1e-9
        assert 2 * circle.radius_mm + 1e-3 >= 10.0
        assert 2 * circle.radius_mm <= rules.largest_diameter_mm + 1e-9
        assert np.all((top - circle.center[0])[voxels[circle.center[0]]] * SPACING[2] >= dome_mm)
        assert not np.any(voxels & taken)
        taken |= voxels
        assert circle.place in circle.reason and f"slice {circle.center[0] + 1}" in circle.reason
    for name in regions:
        mine = [c for c in found.circles if c.place == name]
        assert len(mine) <= most
        assert bool(mine) != any(sentence.startswith(name) for sentence in found.without)
        assert [c.radius_mm for c in mine] == sorted((c.radius_mm for c in mine), reverse=True)
    assert suggested(seed, rules)[3] == found


def test_edge_is_kept_where_the_organ_has_no_gaps() -> None:
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    liver = x**2 + y**2 + 0.5 * z**2 < 0.8
    found = suggest_circles(halves(liver), np.ones(SHAPE, bool), SPACING, rules=CircleRules(3))
    assert len(found.circles) == 6
    for circle in found.circles:
        assert in_slice_distance(liver, SPACING)[circle.voxels(SHAPE, SPACING)].min() >= 10.0


def test_largest_circle_of_a_disc_is_known() -> None:
    rows, columns = np.indices((61, 61)) - 30
    disc = np.broadcast_to(np.hypot(rows, columns) <= 22, (3, 61, 61)).copy()
    rules = CircleRules(1, edge_mm=10.0, dome_mm=0.0)
    found = suggest_circles({"liver": disc}, np.ones_like(disc), (1.0, 1.0, 10.0), rules=rules)
    assert found.circles[0].center[1:] == (30, 30)
    assert found.circles[0].radius_mm == pytest.approx(12.0, abs=1.0)
    small = suggest_circles({"liver": disc}, np.ones_like(disc), (0.5, 0.5, 10.0), rules=rules)
    assert small.circles == ()
    assert "no circle of 10 mm" in small.without[0]


def test_dome_is_at_the_end_towards_the_head() -> None:
    tube = np.zeros((7, 41, 41), bool)
    tube[1:6, 4:37, 4:37] = True
    rules = CircleRules(1, dome_mm=25.0)
    for sign, slice_ in ((1.0, 2), (-1.0, 4)):
        direction = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, sign)
        found = suggest_circles({"liver": tube}, np.ones_like(tube), (2.0, 2.0, 10.0), direction, rules)
        assert found.circles[0].center[0] == slice_


def test_nine_segments_in_their_order() -> None:
    empty = np.zeros((1, 1, 1), bool)
    names = ["liver_segment_8", "spleen", "liver_segment_1", "Segment IVb", "Segment IVa", "liver"]
    assert [segment.name for segment in nine_segments([Segment(name, empty) for name in names])] == [
        "liver_segment_1", "Segment IVa", "Segment IVb", "liver_segment_8",
    ]  # fmt: skip


def test_no_regions_no_circles() -> None:
    assert suggest_circles({}, np.zeros((1, 1, 1), bool), SPACING) == Suggestion((), ())
