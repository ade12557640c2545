"""Training of a comparator: resumed, stopped early, the better rate, the best weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from AIDEALLib.errors import InputError
from AIDEALLib.simulation.random_slices import SliceBatch
from AIDEALLib.training.comparators import fit
from AIDEALLib.training.comparators.fit import Data, StageRun
from AIDEALLib.training.comparators.interface import ComparatorNetwork, NetworkEstimate
from AIDEALLib.training.comparators.options import ComparatorOptions
from AIDEALLib.training.comparators.registry import trained_comparator, untrained
from AIDEALLib.training.comparators.train import Training


class Offset(ComparatorNetwork):
    """One number, PDFF everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.value = torch.nn.Parameter(torch.tensor(0.9))

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        return NetworkEstimate(self.value * torch.ones_like(echoes[:, 0].real))

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        return (self.value - 0.25) ** 2


@pytest.fixture
def data() -> Data:
    image = torch.zeros(1, 4, 4)
    te = torch.tensor([1e-3, 2e-3])
    echoes = torch.ones(1, 2, 4, 4, dtype=torch.complex64)
    batch = SliceBatch(echoes, te, 1.5, torch.ones(1), image + 1, image + 25, image, image, image == 0)
    return Data(lambda number: batch, [batch])


def run(folder: Path, data: Data, steps: int, rate: float = 3e-2, fall: bool = True) -> StageRun:
    stage = StageRun(Offset(), "all", rate, folder)
    stage.train(data, steps, fall, lambda step, loss: None)
    return stage


def test_it_learns_and_the_best_weights_come_back(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "EVALUATE_EVERY", 5)
    stage = run(tmp_path, data, 60)
    assert stage.state.step == 60
    assert stage.optimizer.param_groups[0]["lr"] < 3e-3
    errors = [point.validation_error for point in stage.state.curve]
    assert errors[0] > 10 * min(errors)
    stage.restore_best()
    assert abs(100 * stage.network.value.item() - 25) == pytest.approx(min(errors), abs=1e-4)


def test_a_run_broken_off_continues_to_the_same_weights(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "EVALUATE_EVERY", 5)
    whole = run(tmp_path / "whole", data, 30)
    broken = StageRun(Offset(), "all", 3e-2, tmp_path / "broken")

    def stop(step: int, loss: float) -> None:
        if step == 18:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken.train(data, 30, True, stop)
    assert torch.equal(run(tmp_path / "broken", data, 30).network.value, whole.network.value)


def test_more_steps_continue_from_before_the_fall(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "EVALUATE_EVERY", 5)
    run(tmp_path / "twice", data, 20)
    twice, once = run(tmp_path / "twice", data, 40), run(tmp_path / "once", data, 40)
    assert torch.allclose(twice.network.value, once.network.value)
    assert twice.state.step == once.state.step == 40


def test_it_stops_when_validation_no_longer_improves(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "EVALUATE_EVERY", 2)
    monkeypatch.setattr(fit, "PATIENCE", 3)
    stage = run(tmp_path, data, 10_000, rate=0.5)
    assert stage.state.stopped_early
    assert stage.state.step < 1000


def test_training_exports_weights_card_and_curve(tmp_path: Path) -> None:
    options = ComparatorOptions(steps=4, batch=1, size=32, patients=1)
    file = Training("unet", options, tmp_path).run(lambda title: lambda step, loss: None)
    network = trained_comparator("unet", tmp_path / "export")
    assert not any(parameter.requires_grad for parameter in network.parameters())
    card = file.with_suffix(".md").read_text(encoding="utf-8")
    assert "4 steps" in card and "minutes of one CPU core" in card and "not for diagnosis" in card
    assert file.with_suffix(".csv").read_text(encoding="utf-8").startswith("stage,peak_rate,step,cpu_seconds")
    assert file.with_suffix(".png").stat().st_size > 5000
    with pytest.raises(InputError, match="aideal train comparator vet-net"):
        trained_comparator("vet-net", tmp_path / "export")
    with pytest.raises(InputError, match="'net'.*unet, mdwf-net, vet-net, up-net, aideal-published"):
        untrained("net")


def test_other_starting_weights_are_trained_anew(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "EVALUATE_EVERY", 5)
    run(tmp_path, data, 20)
    other = Offset()
    torch.nn.init.constant_(other.value, 0.8)  # as an earlier stage leaves it that was trained further
    stage = StageRun(other, "all", 3e-2, tmp_path)
    assert stage.state.step == 0 and not list(tmp_path.glob("*.pt"))
    assert other.value.item() == pytest.approx(0.8)
