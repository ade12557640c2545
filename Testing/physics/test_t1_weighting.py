"""T1 weighting against closed forms and a simulated steady state, its correction against the spread of T1."""

from __future__ import annotations

import math

import numpy as np
import pytest

from AIDEALLib.physics.t1_weighting import T1_BY_FIELD_T, T1Weighting, steady_state, t1_values


def driven(flip_angle_deg: float, repetition_time_s: float, t1_s: float, pulses: int = 2000) -> float:
    """Transverse magnetisation after many pulses with perfect spoiling, pulse by pulse."""
    angle, e, longitudinal = math.radians(flip_angle_deg), math.exp(-repetition_time_s / t1_s), 1.0
    for _ in range(pulses):
        transverse = longitudinal * math.sin(angle)
        longitudinal = 1 - (1 - longitudinal * math.cos(angle)) * e
    return transverse


@pytest.mark.parametrize(("flip", "repetition", "t1"), [(3.0, 0.014, 0.586), (20.0, 0.012, 0.343), (70.0, 0.1, 0.8)])
def test_the_steady_state_is_that_of_a_train_of_pulses(flip: float, repetition: float, t1: float) -> None:
    assert steady_state(flip, repetition, t1) == pytest.approx(driven(flip, repetition, t1), rel=1e-9)


def test_limits_without_weighting() -> None:
    assert T1Weighting.of(3.0, 30.0, 1.5).ratio == pytest.approx(1.0, abs=1e-6)  # TR far above T1
    assert T1Weighting.of(0.01, 0.012, 1.5).ratio == pytest.approx(1.0, abs=1e-3)  # small angle
    # for a large angle and short TR signal goes with 1 / T1
    assert T1Weighting.of(90.0, 1e-5, 1.5).ratio == pytest.approx(0.343 / 0.586, rel=1e-3)


def test_a_steep_angle_favours_fat_by_the_known_amount() -> None:
    assert abs(T1Weighting.of(3.0, 0.014, 1.5).apparent(10.0) - 10.0) < 0.6
    assert 3 < T1Weighting.of(20.0, 0.014, 1.5).apparent(10.0) - 10.0 < 8  # towards the ratio of T1, 586 / 343


@pytest.mark.parametrize("tesla", T1_BY_FIELD_T)
def test_the_correction_is_the_inverse(tesla: float) -> None:
    weighting = T1Weighting.of(15.0, 0.01, tesla)
    pdff = np.linspace(-5, 105, 23)
    apparent = np.array([weighting.apparent(p) for p in pdff])
    np.testing.assert_allclose(weighting.corrected(apparent), pdff, atol=1e-9)


def test_the_stated_sd_is_that_of_noise_and_of_the_spread_of_t1() -> None:
    rng, t1 = np.random.default_rng(0), T1_BY_FIELD_T[1.5]
    nominal = T1Weighting.of(20.0, 0.012, 1.5)
    water, fat = (rng.normal(mean, sd, 20_000) for mean, sd in ((t1.water_s, t1.water_sd_s), (t1.fat_s, t1.fat_sd_s)))
    ratio = np.array([steady_state(20.0, 0.012, w) / steady_state(20.0, 0.012, f) for w, f in zip(water, fat, strict=True)])
    f = 0.12
    measured = 100 * f / (f + (1 - f) * ratio) + rng.normal(0, 0.8, ratio.size)
    corrected = nominal.corrected(measured)
    stated = nominal.corrected_sd(np.array([nominal.apparent(12.0)]), np.array([0.8]))[0]
    assert corrected.mean() == pytest.approx(12.0, abs=0.1)
    assert corrected.std() == pytest.approx(stated, rel=0.04)


@pytest.mark.parametrize("tesla", T1_BY_FIELD_T)
def test_t1_is_as_measured_at_the_fields_measured(tesla: float) -> None:
    found, measured = t1_values(tesla), T1_BY_FIELD_T[tesla]
    for name, value in vars(measured).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9)


def test_t1_of_other_fields_is_a_power_of_the_field() -> None:
    low, high, between = T1_BY_FIELD_T[1.5], T1_BY_FIELD_T[3.0], t1_values(math.sqrt(1.5 * 3.0))
    assert between.water_s == pytest.approx(math.sqrt(low.water_s * high.water_s))
    assert between.fat_s == pytest.approx(math.sqrt(low.fat_s * high.fat_s))
    fields = (0.35, 0.75, 1.5, 3.0, 7.0)
    assert np.all(np.diff([t1_values(tesla).water_s for tesla in fields]) > 0)
    quarter = t1_values(0.375)  # two octaves below, 2 x 15 %
    assert quarter.water_s == pytest.approx(low.water_s * (low.water_s / high.water_s) ** 2)
    assert quarter.water_sd_s / quarter.water_s == pytest.approx(math.hypot(low.water_sd_s / low.water_s, 0.3))
