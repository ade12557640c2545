"""Change between two visits: closed form, coverage of its interval, and the comparison with repeated scans."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from AIDEALLib.statistics import OTHER_PROTOCOL, SAME_PROTOCOL, Measurement, Repeatability, change_between

RC = Repeatability(2.0, "test")
values = st.floats(-5, 60)
errors = st.floats(0, 5)


@given(values, errors, values, errors)
def test_closed_form(first: float, first_se: float, second: float, second_se: float) -> None:
    forth = change_between("x", Measurement(first, first_se), Measurement(second, second_se), RC)
    back = change_between("x", Measurement(second, second_se), Measurement(first, first_se), RC)
    assert forth.change == pytest.approx(second - first)
    assert forth.standard_error == pytest.approx(math.sqrt(first_se**2 + second_se**2))
    assert (forth.lower, forth.upper) == pytest.approx((-back.upper, -back.lower))
    assert forth.beyond_interval == back.beyond_interval
    assert forth.beyond_repeatability == (abs(second - first) > 2.0)


@pytest.mark.parametrize(("change", "rate"), [(0.0, 0.05), (1.0, 0.516)])
def test_interval_covers_what_it_states(change: float, rate: float) -> None:
    """Monte Carlo: 95 % of intervals hold the change; power for one point at a standard error of 0.51 is 52 %."""
    rng = np.random.default_rng(0)
    first, second = 10 + 0.3 * rng.standard_normal(4000), 10 + change + math.sqrt(0.17) * rng.standard_normal(4000)
    found = [
        change_between("x", Measurement(a, 0.3), Measurement(b, math.sqrt(0.17)), RC)
        for a, b in zip(first, second, strict=True)
    ]
    assert np.mean([c.lower <= change <= c.upper for c in found]) == pytest.approx(0.95, abs=0.012)
    assert np.mean([c.beyond_interval for c in found]) == pytest.approx(rate, abs=0.03)


def test_readings() -> None:
    def reading(follow_up: float) -> str:
        return change_between("x", Measurement(10, 0.3), Measurement(follow_up, 0.3), RC).verdict

    assert reading(10.5) == "no change shown"
    assert reading(11.5) == "within repeatability"
    assert reading(12.5) == "changed"
    assert reading(7.5) == "changed"
    assert reading(math.nan) == "not measured at both visits"


def test_published_figures_have_their_source() -> None:
    assert (SAME_PROTOCOL.points, OTHER_PROTOCOL.points) == (2.99, 4.12)
    assert all("Radiology 2018;286:486" in figure.source for figure in (SAME_PROTOCOL, OTHER_PROTOCOL))
