"""P(swap): the raw probability by Monte Carlo, the calibration map, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.errors import ModelError
from AIDEALLib.estimation.fusion_options import FusionOptions
from AIDEALLib.estimation.learned import Learned
from AIDEALLib.estimation.swap_probability import SwapCalibration, raw_swap_probability

PERIOD, SHIFT = 476.0, -192.0


def test_raw_probability_is_that_of_a_mixture_of_normals() -> None:
    posterior = torch.tensor([[0.7], [0.2], [0.1]])
    field = torch.tensor([[10.0], [-180.0], [200.0]])
    variance = torch.tensor([[40.0**2], [5.0**2], [60.0**2]])
    found = raw_swap_probability(posterior, field, variance, torch.tensor([10.0]), PERIOD, SHIFT)
    rng = np.random.default_rng(0)
    mode = rng.choice(3, 400_000, p=posterior[:, 0].numpy() / posterior[:, 0].numpy().sum())
    drawn = field[:, 0].numpy()[mode] + variance[:, 0].sqrt().numpy()[mode] * rng.standard_normal(mode.size)
    apart = drawn - 10.0
    apart -= PERIOD * np.round(apart / PERIOD)
    assert float(found) == pytest.approx(np.mean(np.abs(apart) > 96.0), abs=0.004)


def test_modes_in_one_minimum_and_no_noise_leave_no_swap() -> None:
    posterior = torch.tensor([[0.5], [0.5]])
    field, variance = torch.tensor([[3.0], [4.0]]), torch.full((2, 1), 1.0)
    assert float(raw_swap_probability(posterior, field, variance, field[0], PERIOD, SHIFT)) == pytest.approx(0.0, abs=1e-6)


def test_where_nothing_is_known_it_is_about_the_share_of_the_period_beyond_half_a_shift() -> None:
    posterior = torch.full((3, 1), 1 / 3)
    field = torch.tensor([[0.0], [SHIFT], [-SHIFT]])
    found = raw_swap_probability(posterior, field, torch.full((3, 1), 1.0), field[0], PERIOD, SHIFT)
    assert float(found) == pytest.approx(2 / 3, abs=1e-3)


def test_calibration_is_linear_between_its_knots() -> None:
    calibration = SwapCalibration((0.0, 0.1, 0.5, 1.0), (0.01, 0.2, 0.4, 0.8))
    raw = torch.tensor([0.0, 0.05, 0.1, 0.3, 0.5, 0.9, 1.0])
    assert calibration(raw).tolist() == pytest.approx(np.interp(raw.numpy(), calibration.raw, calibration.calibrated), abs=1e-6)
    assert SwapCalibration()(raw).tolist() == pytest.approx(raw.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": {"smothness": 1.0}}, "smothness"),
        ({"fusion": {"cut": "wide"}}, "no number"),
        ({"swap_calibration": {"raw": [0, 1], "calibrated": [0, 0.5, 1]}}, "2 and 3 knots"),
        ({"swap_calibration": {"raw": [0, 0.6, 0.5, 1], "calibrated": [0, 0.1, 0.2, 1]}}, "rising"),
        ({"swap_calibration": {"raw": [0, "x"], "calibrated": [0, 1]}}, "cannot be read"),
        ({"swap_calibration": {"row": [0, 1]}}, "cannot be read"),
    ],
)
def test_damaged_settings_are_refused(settings: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Learned.of(settings)


def test_settings_round_trip_and_their_absence_is_known() -> None:
    learned = Learned(FusionOptions(cut=3.0), SwapCalibration((0.0, 1.0), (0.1, 0.9)), calibrated=True)
    assert Learned.of(learned.as_settings()) == learned
    assert not Learned.of({}).calibrated
