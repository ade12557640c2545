"""Adaptation to one's own scans: from the weights of exported files, without touching them, told by figures."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError, ModelError
from AIDEALLib.io.npz import write_npz
from AIDEALLib.models import load_networks, model_directory
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.training import before_after
from AIDEALLib.training.adapt import adapt, trainable
from AIDEALLib.training.before_after import figures
from AIDEALLib.training.loop import LoopOptions, simulated_batches
from AIDEALLib.training.own_scans import OwnScan, fingerprint, mixed_batches

OPTIONS = LoopOptions(steps=2, batch=2, size=32, learning_rate=1e-3, checkpoint_every=1)


@pytest.fixture(scope="module")
def scan() -> EchoSeries:
    return demo_liver(matrix=(2, 64, 64))[0]


@pytest.fixture(scope="module")
def own(scan: EchoSeries) -> OwnScan:
    return OwnScan.of(scan)


def test_scans_are_mended_before_they_are_learnt_from(scan: EchoSeries, own: OwnScan) -> None:
    mirrored = OwnScan.of(scan.conjugate())
    assert torch.equal(mirrored.echoes, own.echoes)
    assert own.echoes.shape == (2, 6, 64, 64)
    assert fingerprint([mirrored]) == fingerprint([own])
    assert fingerprint([OwnScan.of(replace(scan, echoes=2 * scan.echoes))]) != fingerprint([own])


def test_windows_lie_on_the_body_and_inside_the_scan(own: OwnScan) -> None:
    batch = own.crops(40, 24, torch.Generator().manual_seed(0))
    assert batch.echoes.shape == (40, 6, 24, 24)
    assert torch.equal(batch.te_s, own.te_s)
    signal = batch.echoes.abs().amax(1)
    assert bool((signal.flatten(1).amax(1) > 5 * batch.noise_sd).all())
    known = {complex(z) for z in own.echoes[:, 0].flatten().tolist()}
    assert {complex(z) for z in batch.echoes[:, 0].flatten().tolist()} <= known
    assert own.crops(1, 999, torch.Generator().manual_seed(0)).echoes.shape == (1, 6, 64, 64)


def test_own_and_simulated_slices_take_turns(own: OwnScan) -> None:
    batch_of = mixed_batches([own], OPTIONS)
    assert torch.equal(batch_of(4).te_s, own.te_s)
    assert torch.equal(batch_of(5).echoes, simulated_batches(OPTIONS)(5).echoes)
    assert torch.equal(batch_of(4).echoes, mixed_batches([own], OPTIONS)(4).echoes)
    assert not torch.equal(batch_of(4).echoes, batch_of(6).echoes)


def test_scans_nothing_can_be_learnt_from(scan: EchoSeries) -> None:
    with pytest.raises(InputError, match="magnitudes alone"):
        OwnScan.of(replace(scan, echoes=np.abs(scan.echoes)))


def test_it_starts_from_the_files_and_keeps_their_calibration(own: OwnScan, fresh_models: Path, tmp_path: Path) -> None:
    networks = load_networks(directory=fresh_models)
    before = {name: weight.clone() for name, weight in networks.field.state_dict().items()}
    start, _ = trainable(networks)
    assert all(torch.equal(weight, before[name]) for name, weight in start.state_dict().items())
    networks.field.temperature.data.fill_(1.7)
    fabric = Fabric(accelerator="cpu", devices=1)
    losses: dict[str, list[float]] = {}

    def progress(stage: str) -> Any:
        return lambda step, loss: losses.setdefault(stage, []).append(loss)

    field, r2star = adapt(networks, [own], OPTIONS, tmp_path, fabric, progress)
    assert {stage: len(seen) for stage, seen in losses.items()} == {"field": 2, "r2star": 1}
    assert float(field.temperature) == pytest.approx(1.7)
    assert float(r2star.temperature) == 1
    moved = max(float((field.state_dict()[name] - weight).abs().max()) for name, weight in before.items() if "body" in name)
    assert 0 < moved < 0.1
    assert all(torch.equal(networks.field.state_dict()[name], w) for name, w in before.items() if name != "temperature")
    with pytest.raises(InputError, match="data own scans"):
        adapt(networks, [replace(own, echoes=2 * own.echoes)], OPTIONS, tmp_path, fabric, progress)


def test_networks_of_another_make_are_refused(fresh_models: Path) -> None:
    networks = load_networks(directory=fresh_models)
    with pytest.raises(ModelError, match="weights of G_phi do not fit"):
        trainable(replace(networks, field=networks.r2star))


def test_figures_tell_swapped_networks(scan: EchoSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before_after, "METHODS", ("one-shot",))
    networks = load_networks()
    own_scan, simulated = figures(networks, [scan], 0.05, batches=2, size=64)
    assert (own_scan.data, simulated.data) == ("scan 1", "simulated, held out")
    assert 1 < own_scan.residual_percent < 20
    assert own_scan.suspected_percent < 20
    assert np.isnan(own_scan.swapped_percent)
    assert simulated.swapped_percent < 15

    class Turned:
        def __call__(self, echoes: torch.Tensor, *protocol: Any) -> tuple[torch.Tensor, ...]:
            q, mean, variance = networks.field(echoes, *protocol)
            period = 1 / float((protocol[0][1:] - protocol[0][:-1]).min())
            return q.roll(q.shape[1] // 2, 1), mean + period / 2, variance

    turned = figures(replace(networks, field=Turned()), [scan], 0.05, batches=2, size=64)
    assert turned[1].swapped_percent > 30
    assert turned[0].residual_percent > own_scan.residual_percent


def test_command(scan: EchoSeries, fresh_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before_after, "METHODS", ("one-shot",))
    monkeypatch.setattr(before_after, "figures", partial(figures, batches=1, size=48))
    write_npz(tmp_path / "scan.npz", scan)
    run = CliRunner().invoke
    small = ["--steps", "1", "--batch", "1", "--size", "32", "--models", str(fresh_models)]
    to = tmp_path / "adapted"
    done = run(app, ["train", "adapt", str(tmp_path / "scan.npz"), "--to", str(to), *small])
    assert done.exit_code == 0, done.output
    assert "scan 1, one-shot" in done.output
    rows = list(csv.DictReader((to / "adaptation.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["data"] for row in rows] == ["scan 1", "simulated, held out"]
    assert rows[0]["swapped_percent_before"] == ""
    assert float(rows[1]["swapped_percent_after"]) >= 0
    load_networks(directory=to)
    card = (to / "G_phi.md").read_text(encoding="utf-8")
    assert "1 unlabelled scan(s), 2 slices" in card
    assert "scan.npz" not in card
    for bundled in (model_directory(), fresh_models):
        refused = run(app, ["train", "adapt", str(tmp_path / "scan.npz"), "--to", str(bundled), *small])
        assert refused.exit_code == 1
        assert "never overwritten" in refused.stderr
