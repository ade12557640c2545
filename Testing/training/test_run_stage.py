"""The stages: each starts from the one before; options must not change on resuming."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from AIDEALLib.errors import InputError
from AIDEALLib.training import run_stage as stages
from AIDEALLib.training.loop import LoopOptions
from AIDEALLib.training.networks import FieldNetwork, R2StarNetwork
from AIDEALLib.training.run_stage import STAGES, final_networks, run_stage, trained

OPTIONS = LoopOptions(steps=4, batch=1, accumulate=2, size=16, checkpoint_every=2)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "FieldNetwork", partial(FieldNetwork, (8, 8, 8, 16)))
    monkeypatch.setattr(stages, "R2StarNetwork", partial(R2StarNetwork, (8, 8, 8, 16)))


def test_mixed_precision_rounds_the_network_alone(tmp_path: Path, small: None) -> None:
    options = replace(OPTIONS, steps=1, size=32)
    seen: list[list[float]] = []
    for precision in ("32-true", "bf16-mixed"):
        seen.append([])
        rounded = Fabric(accelerator="cpu", devices=1, precision=precision)
        for stage in ("field", "r2star"):
            run_stage(stage, options, tmp_path / precision, rounded, lambda step, loss: seen[-1].append(loss))
    assert seen[1] != seen[0]
    assert seen[1] == pytest.approx(seen[0], rel=0.01)


def test_stages_build_on_each_other(tmp_path: Path, fabric: Fabric, small: None) -> None:
    options = replace(OPTIONS, steps=2, accumulate=1)
    seen: list[float] = []
    for stage in STAGES:
        run_stage(stage, options, tmp_path, fabric, lambda step, loss: seen.append(loss))
    assert len(seen) == 6
    assert all(loss == loss for loss in seen)
    before = trained("field", tmp_path).state_dict()
    after = trained("field-with-r2star", tmp_path).state_dict()
    moved = max(float((after[n].float() - w.float()).abs().max()) for n, w in before.items())
    assert 0 < moved < 0.1  # fine-tuned, not begun anew
    field, _, steps = final_networks(tmp_path)
    assert steps == dict.fromkeys(STAGES, 2)
    assert all(torch.equal(w, after[n]) for n, w in field.state_dict().items())


def test_a_stage_needs_its_predecessor(tmp_path: Path, fabric: Fabric) -> None:
    with pytest.raises(InputError, match="Stage field has no checkpoint.*aideal train field"):
        run_stage("r2star", OPTIONS, tmp_path, fabric, lambda step, loss: None)
    with pytest.raises(InputError, match="'fields'.*field, r2star"):
        run_stage("fields", OPTIONS, tmp_path, fabric, lambda step, loss: None)


def test_other_options_are_refused_on_resuming(tmp_path: Path, fabric: Fabric, small: None) -> None:
    options = replace(OPTIONS, steps=1, accumulate=1, checkpoint_every=1)
    run_stage("field", options, tmp_path, fabric, lambda step, loss: None)
    with pytest.raises(InputError, match="steps 1 -> 9"):
        run_stage("field", replace(options, steps=9), tmp_path, fabric, lambda step, loss: None)
    run_stage("field", replace(options, checkpoint_every=5), tmp_path, fabric, lambda step, loss: None)
