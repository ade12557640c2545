"""Cases of the fusion: truth, frequency of difficulties, separate patients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.models import load_networks
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.protocol import Protocol
from AIDEALLib.training import fusion_cases as cases_module
from AIDEALLib.training.fusion_cases import CALIBRATION, LEARNING, FusionCase, Mixture, fusion_cases


def test_cases_know_their_truth(cases: list[FusionCase]) -> None:
    assert len(cases) >= 5
    for case in cases:
        assert not bool(case.swapped(case.true_field_hz).any())
        distance = case.given.scan.swap_hz
        assert bool(case.swapped(case.true_field_hz + distance).all())
        right = ~case.swapped(case.candidates.field_hz)
        assert float(right.any(0)[case.body].float().mean()) > 0.5


class Drawn(Exception):
    """Raised in place of a simulated scan."""


@pytest.mark.parametrize("mixture", [LEARNING, CALIBRATION])
def test_difficulties_are_as_frequent_as_the_mixture_states(mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    steep: list[bool] = []
    scans: list[dict[str, float]] = []

    def acquire(tissue: object, protocol: Protocol, rng: np.random.Generator, artefacts: Artefacts, **_: float) -> None:
        scans.append({"bipolar": protocol.bipolar_phase_rad, "ghost": artefacts.ghost, "motion_mm": artefacts.motion_mm})
        raise Drawn

    monkeypatch.setattr(cases_module, "abdomen", lambda *_, **__: None)
    monkeypatch.setattr(cases_module, "_with_steep_field", lambda *_: steep.append(True))
    monkeypatch.setattr(cases_module, "acquire", acquire)
    rng, generator, n = np.random.default_rng(0), torch.Generator().manual_seed(0), 600
    networks = load_networks()
    for patient in range(n):
        with pytest.raises(Drawn):
            next(iter(cases_module._of_abdomen(patient, mixture, rng, generator, networks)))
    still = [scan for scan in scans if not scan["motion_mm"]]
    found = {
        "steep": len(steep) / n,
        "motion": 1 - len(still) / n,
        "ghost": sum(scan["ghost"] > 0 for scan in still) / len(still),
        "bipolar": sum(scan["bipolar"] != 0 for scan in scans) / n,
    }
    assert found == pytest.approx({name: getattr(mixture, name) for name in found}, abs=0.05)


def test_calibration_and_learning_share_no_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    patients: dict[Mixture, set[int]] = {LEARNING: set(), CALIBRATION: set()}
    monkeypatch.setattr(cases_module, "_of_abdomen", lambda patient, mixture, *_: patients[mixture].add(patient) or ())
    monkeypatch.setattr(cases_module, "_case", lambda *_: ("a random slice",))
    drawn = {mixture: list(fusion_cases(9, 5, load_networks(), mixture)) for mixture in patients}
    assert [len(drawn[LEARNING]), len(drawn[CALIBRATION])] == [3, 0]
    assert all(len(numbers) == 9 for numbers in patients.values())
    assert not patients[LEARNING] & patients[CALIBRATION]
