"""Unlabelled scans: corrected, cut on the body, mixed with simulated slices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.training.loop import LoopOptions, simulated_batches
from AIDEALLib.training.own_scans import OwnScan, fingerprint, mixed_batches

OPTIONS = LoopOptions(steps=2, batch=2, size=32, learning_rate=1e-3, checkpoint_every=1)


def test_scans_are_corrected_before_training(scan: EchoSeries, own: OwnScan) -> None:
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


def test_magnitudes_are_refused(scan: EchoSeries) -> None:
    with pytest.raises(InputError, match="magnitudes alone"):
        OwnScan.of(replace(scan, echoes=np.abs(scan.echoes)))
