"""The calibration of P(swap): its terms by a direct sum, the regression and the map, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.errors import ModelError
from AIDEALLib.estimation.fusion.learned_settings import LearnedSettings
from AIDEALLib.estimation.fusion.swap_calibration import SwapCalibration, SwapEvidence
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.mode import with_swap_probability
from AIDEALLib.estimation.voxelwise.neighbours import OFFSETS, Neighbours
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.physics.spectrum import SIX_PEAK

SCAN = Scan.of(1.3e-3 + 2.1e-3 * torch.arange(6, dtype=torch.float64), 1.5, SIX_PEAK)


def evidence(
    own: list[float],
    around: list[float] | None = None,
    misfit: list[float] | None = None,
    jumps: list[float] | None = None,
    snr: list[float] | None = None,
) -> SwapEvidence:
    one, none = [1.0] * len(own), [0.0] * len(own)
    return SwapEvidence(*map(torch.tensor, (own, around or own, misfit or one, jumps or none, snr or one)))


def test_neighbourhood_terms_are_those_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((9, 9)) < 0.8
    mask[4, 4] = True
    probability, misfit, field = rng.random((9, 9)), rng.uniform(1, 30, (9, 9)), rng.uniform(-230, 230, (9, 9))
    echoes = rng.normal(size=(6, 9, 9)) + 1j * rng.normal(size=(6, 9, 9))
    found = SwapEvidence.of(
        torch.tensor(probability[mask]),
        torch.tensor(misfit[mask]),
        torch.tensor(field[mask]),
        torch.tensor(np.sum(np.abs(echoes[:, mask]) ** 2, axis=0)),
        torch.tensor(0.7, dtype=torch.float64),
        SCAN,
        Neighbours.of(torch.tensor(mask)),
    )
    others = [place for row, column, _ in OFFSETS if mask[place := (4 + row, 4 + column)]]
    inside = [(4, 4), *others]
    number = int(mask.ravel()[: 4 * 9 + 4].sum())
    assert float(found.around[number]) == pytest.approx(np.mean([probability[place] for place in inside]))
    turns = [(field[place] - field[4, 4]) / SCAN.period_hz for place in others]
    far = [abs(turn - round(turn)) * SCAN.period_hz > SCAN.swap_hz / 2 for turn in turns]
    assert 0 < sum(far) < len(far)
    assert float(found.jumps[number]) == pytest.approx(np.mean(far))
    assert float(found.snr[number]) == pytest.approx(np.linalg.norm(echoes[:, 4, 4]) / 0.7)
    assert torch.equal(found.own, torch.tensor(probability[mask]))
    assert torch.equal(found.misfit, torch.tensor(misfit[mask]))


def test_a_voxel_without_neighbours_has_no_jump() -> None:
    one = torch.ones(1)
    alone = Neighbours.of(torch.ones(1, 1, dtype=torch.bool))
    assert torch.equal(SwapEvidence.of(one, one, one, one, torch.tensor(0.1), SCAN, alone).jumps, torch.zeros(1))


def test_without_learning_it_changes_nothing() -> None:
    raw = [1e-4, 0.05, 0.1, 0.3, 0.5, 0.9, 0.999]
    assert SwapCalibration()(evidence(raw)).tolist() == pytest.approx(raw, abs=1e-5)


def test_regression_is_logistic_and_the_map_linear_between_its_knots() -> None:
    own, around, misfit = [0.01, 0.2, 0.6], [0.05, 0.1, 0.3], [1.0, 2.0, 9.0]
    jumps, snr = [0.0, 0.5, 0.9], [100.0, 30.0, 4.0]
    calibration = SwapCalibration(0.5, 0.4, 0.8, 0.3, 0.7, 0.2, (0.0, 0.1, 0.5, 1.0), (0.01, 0.2, 0.4, 0.8))
    z = [
        0.5 + 0.4 * np.log(p / (1 - p)) + 0.8 * np.log(a / (1 - a)) + 0.3 * np.log(m) + 0.7 * j - 0.2 * np.log(s)
        for p, a, m, j, s in zip(own, around, misfit, jumps, snr, strict=True)
    ]
    expected = np.interp(1 / (1 + np.exp(-np.array(z))), calibration.score, calibration.calibrated)
    assert calibration(evidence(own, around, misfit, jumps, snr)).tolist() == pytest.approx(expected, abs=1e-5)


def test_misfit_and_jumps_raise_it_and_signal_lowers_it() -> None:
    calibration, same = SwapCalibration(-1.0, 0.5, 0.5, 0.4, 1.5, 0.6), [0.1] * 4
    assert bool((calibration(evidence(same, same, [0.5, 1.0, 5.0, 40.0])).diff() > 0).all())
    assert bool((calibration(evidence(same, same, None, [0.0, 0.1, 0.5, 1.0])).diff() > 0).all())
    assert bool((calibration(evidence(same, same, None, None, [1.0, 3.0, 8.0, 40.0])).diff() < 0).all())


def test_mixture_takes_the_calibrated_probability() -> None:
    posterior = torch.tensor([[0.9, 0.2, 1.0], [0.08, 0.5, 0.0], [0.02, 0.3, 0.0]])
    reported = torch.tensor([[True, False, True], [False, True, False], [False, False, False]])
    found = with_swap_probability(posterior, reported, torch.tensor([0.3, 0.1, 0.2]))
    assert found[:, 0].tolist() == pytest.approx([0.7, 0.24, 0.06])
    assert found[:, 1].tolist() == pytest.approx([0.2, 0.5, 0.3])  # the others were likelier before
    assert found[:, 2].tolist() == pytest.approx([0.8, 0.1, 0.1])  # the others are equal
    assert float(found.sum(0).sub(1).abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fusion": {"smothness": 1.0}}, "smothness"),
        ({"fusion": {"cut": "wide"}}, "not a number"),
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
        LearnedSettings.of(settings)


def test_settings_round_trip_and_their_absence_is_known() -> None:
    calibration = SwapCalibration(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, (0.0, 1.0), (0.1, 0.9))
    learned = LearnedSettings(FusionOptions(cut=3.0), calibration, calibrated=True)
    assert LearnedSettings.of(learned.as_settings()) == learned
    assert not LearnedSettings.of({}).calibrated


def test_weights_from_before_three_echoes_had_their_own() -> None:
    assert FusionOptions.from_dict({"network_weight": 0.04}).network_weight_three == 0.04
