"""The calibration of P(swap): its terms by a direct sum, the regression and the map, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.errors import ModelError
from AIDEALLib.estimation.fusion_options import FusionOptions
from AIDEALLib.estimation.learned import Learned
from AIDEALLib.estimation.mode import with_swap_probability
from AIDEALLib.estimation.neighbours import OFFSETS, Neighbours
from AIDEALLib.estimation.swap_calibration import SwapCalibration, SwapEvidence


def evidence(
    own: list[float],
    around: list[float] | None = None,
    misfit: list[float] | None = None,
    support: list[float] | None = None,
) -> SwapEvidence:
    one = [1.0] * len(own)
    return SwapEvidence(*map(torch.tensor, (own, around or own, misfit or one, support or one)))


def test_neighbourhood_terms_are_plain_means() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((9, 9)) < 0.8
    mask[4, 4] = True
    probability, energy, preference = rng.random((9, 9)), rng.uniform(1, 30, (9, 9)), rng.uniform(-5, 60, (9, 9))
    found = SwapEvidence.of(
        torch.tensor(probability[mask]),
        torch.tensor(energy[mask]),
        torch.tensor(0.7, dtype=torch.float64),
        6,
        torch.tensor(preference[mask]),
        Neighbours.of(torch.tensor(mask)),
    )
    places = [(4, 4)] + [(4 + row, 4 + column) for row, column, _ in OFFSETS]
    inside = [place for place in places if mask[place]]
    number = int(mask.ravel()[: 4 * 9 + 4].sum())
    assert float(found.around[number]) == pytest.approx(np.mean([probability[place] for place in inside]))
    assert float(found.misfit[number]) == pytest.approx(np.mean([energy[place] / (0.7**2 * 6) for place in inside]))
    assert float(found.support[number]) == pytest.approx(np.mean([np.clip(preference[place], 0, 40) for place in inside]))
    assert torch.equal(found.own, torch.tensor(probability[mask]))


def test_without_degrees_of_freedom_there_is_no_misfit() -> None:
    neighbours = Neighbours.of(torch.ones(3, 3, dtype=torch.bool))
    found = SwapEvidence.of(torch.rand(9), torch.full((9,), 50.0), torch.tensor(0.1), 0, torch.zeros(9), neighbours)
    assert torch.equal(found.misfit, torch.ones(9))


def test_without_learning_it_changes_nothing() -> None:
    raw = [1e-4, 0.05, 0.1, 0.3, 0.5, 0.9, 0.999]
    assert SwapCalibration()(evidence(raw)).tolist() == pytest.approx(raw, abs=1e-5)


def test_regression_is_logistic_and_the_map_linear_between_its_knots() -> None:
    own, around, misfit, support = [0.01, 0.2, 0.6], [0.05, 0.1, 0.3], [1.0, 2.0, 9.0], [0.0, 4.0, 30.0]
    calibration = SwapCalibration(-0.5, 0.4, 0.8, 0.3, 0.2, (0.0, 0.1, 0.5, 1.0), (0.01, 0.2, 0.4, 0.8))
    z = [
        -0.5 + 0.4 * np.log(p / (1 - p)) + 0.8 * np.log(a / (1 - a)) + 0.3 * np.log(m) - 0.2 * np.log(1 + s)
        for p, a, m, s in zip(own, around, misfit, support, strict=True)
    ]
    expected = np.interp(1 / (1 + np.exp(-np.array(z))), calibration.score, calibration.calibrated)
    assert calibration(evidence(own, around, misfit, support)).tolist() == pytest.approx(expected, abs=1e-5)


def test_more_misfit_raises_it_and_more_support_lowers_it() -> None:
    calibration = SwapCalibration(-1.0, 0.5, 0.5, 0.4, 0.6)
    found = calibration(evidence([0.1] * 4, [0.1] * 4, [0.5, 1.0, 5.0, 40.0]))
    assert bool((found.diff() > 0).all())
    found = calibration(evidence([0.1] * 4, [0.1] * 4, None, [0.0, 1.0, 8.0, 40.0]))
    assert bool((found.diff() < 0).all())


def test_mixture_takes_the_calibrated_probability() -> None:
    posterior = torch.tensor([[0.9, 0.2, 1.0], [0.08, 0.5, 0.0], [0.02, 0.3, 0.0]])
    reported = torch.tensor([[True, False, True], [False, True, False], [False, False, False]])
    found = with_swap_probability(posterior, reported, torch.tensor([0.3, 0.1, 0.2]))
    assert found[:, 0].tolist() == pytest.approx([0.7, 0.24, 0.06])
    assert found[:, 1].tolist() == pytest.approx([0.2, 0.5, 0.3])  # the others were likelier before
    assert found[:, 2].tolist() == pytest.approx([0.8, 0.1, 0.1])  # nothing tells the others apart
    assert float(found.sum(0).sub(1).abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": {"smothness": 1.0}}, "smothness"),
        ({"fusion": {"cut": "wide"}}, "no number"),
        ({"swap_calibration": {"score": [0, 1], "calibrated": [0, 0.5, 1]}}, "2 and 3 knots"),
        ({"swap_calibration": {"score": [0, 0.6, 0.5, 1], "calibrated": [0, 0.1, 0.2, 1]}}, "rising"),
        ({"swap_calibration": {"score": [0, "x"], "calibrated": [0, 1]}}, "cannot be read"),
        ({"swap_calibration": {"around": "much"}}, "cannot be read"),
        ({"swap_calibration": {"raw": [0, 1]}}, "another version"),
        ({"swap_calibration": {"score": [], "calibrated": []}}, "0 and 0 knots"),
        ({"swap_calibration": {"score": [0, 1], "calibrated": [0, 1.2]}}, "probabilities"),
        ({"swap_calibration": {"own": float("nan")}}, "numbers were expected"),
    ],
)
def test_damaged_settings_are_refused(settings: dict[str, dict[str, object]], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Learned.of(settings)


def test_settings_round_trip_and_their_absence_is_known() -> None:
    calibration = SwapCalibration(0.1, 0.2, 0.3, 0.4, 0.5, (0.0, 1.0), (0.1, 0.9))
    learned = Learned(FusionOptions(cut=3.0), calibration, calibrated=True)
    assert Learned.of(learned.as_settings()) == learned
    assert not Learned.of({}).calibrated


def test_weights_from_before_three_echoes_had_their_own() -> None:
    assert FusionOptions.from_dict({"network_weight": 0.04}).network_weight_three == 0.04
