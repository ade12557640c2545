"""Intervals of 95 % and their text; chances of grades."""

from __future__ import annotations

import math

import numpy as np
import pytest

from AIDEALLib.statistics import TANG_2015, Interval, interval_text


def test_an_interval_holds_95_percent_of_normal_values() -> None:
    interval = Interval(12.1, 0.15)
    drawn = np.random.default_rng(0).normal(12.1, 0.15, 200_000)
    assert np.mean((drawn > interval.low) & (drawn < interval.high)) == pytest.approx(0.95, abs=0.002)
    assert np.mean(drawn < 12.3) == pytest.approx(interval.below(12.3), abs=0.004)


def test_text() -> None:
    assert interval_text(12.1, 11.8, 12.4, "%") == "12.1 % (11.8 to 12.4)"
    assert interval_text(12.1, math.nan, math.nan) == "12.1"
    assert interval_text(math.nan, math.nan, math.nan) == "-"


def test_chances_of_grades_are_shares_of_the_interval() -> None:
    interval = Interval(11.0, 2.5)
    drawn = np.random.default_rng(1).normal(11.0, 2.5, 100_000)
    grades = [TANG_2015.grade(value) for value in drawn]
    chances = TANG_2015.chances(interval)
    assert sum(chances) == pytest.approx(1.0)
    for n, chance in enumerate(chances):
        assert chance == pytest.approx(grades.count(f"S{n}") / len(grades), abs=0.005)
    assert TANG_2015.chances(Interval(20.0, 0.0)) == (0.0, 0.0, 0.0, 1.0)
    assert all(math.isnan(chance) for chance in TANG_2015.chances(Interval(20.0, math.nan))[1:3])
