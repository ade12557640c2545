"""Slices that the comparators are trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.training.comparators.slices import (
    PAPER_PROTOCOL,
    SLICES,
    TRAINING_PATIENT,
    VALIDATION_PATIENT,
    AbdomenPool,
    TrainingSlices,
    validation_batches,
)


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> AbdomenPool:
    return AbdomenPool.stored(tmp_path_factory.mktemp("pool") / "pool.npy", TRAINING_PATIENT, 1, 48)


def test_patients_of_training_validation_and_evaluation_differ() -> None:
    assert 1000 < TRAINING_PATIENT < TRAINING_PATIENT + 5000 < VALIDATION_PATIENT


def test_a_stored_pool_is_read_again(pool: AbdomenPool, tmp_path: Path) -> None:
    file = tmp_path / "pool.npy"
    first = AbdomenPool.stored(file, TRAINING_PATIENT, 1, 48)
    written = file.stat().st_mtime_ns
    again = AbdomenPool.stored(file, TRAINING_PATIENT, 1, 48)
    assert file.stat().st_mtime_ns == written
    assert torch.equal(first.maps, again.maps)
    assert torch.equal(first.maps, pool.maps)


def test_echoes_follow_the_truth_of_their_slice(pool: AbdomenPool) -> None:
    batch = pool.batch(torch.arange(SLICES), PAPER_PROTOCOL, torch.Generator().manual_seed(0), turned=False)
    assert torch.allclose(batch.pdff_percent, 100 * pool.maps[:, 1])
    fat = (batch.pdff_percent > 85) & (batch.signal > 0.5)
    lean = (batch.pdff_percent < 10) & (batch.signal > 0.3)
    near_opposite = int((SIX_PEAK.modulation(batch.te_s, 1.5) + 1).abs().argmin())
    decay = torch.exp(-batch.r2star_per_s * float(batch.te_s[near_opposite]))
    ratio = batch.echoes[:, near_opposite].abs() / (batch.signal * decay)
    assert float(ratio[lean].median()) == pytest.approx(1.0, abs=0.15)
    assert 0.3 < float(ratio[fat].median()) < 0.8, "the peaks of fat cancel in part"


def test_batches_depend_on_their_number_and_seed_alone(pool: AbdomenPool) -> None:
    one, many = TrainingSlices(pool, True, 2, 0), TrainingSlices(pool, False, 2, 0)
    for number in range(4):
        assert torch.equal(one(number).echoes, one(number).echoes)
        assert one(number).te_s.tolist() == pytest.approx(PAPER.te_s)
        assert many(number).te_s.numel() == 6
    assert many(0).te_s.tolist() != many(1).te_s.tolist()
    assert not torch.equal(one(0).echoes, TrainingSlices(pool, True, 2, 1)(0).echoes)


def test_validation_has_every_slice_once(pool: AbdomenPool) -> None:
    assert sum(len(batch.echoes) for batch in validation_batches(pool, True, 2)) == SLICES
    protocols = {tuple(batch.te_s.tolist()) for batch in validation_batches(pool, False, 1)}
    assert len(protocols) == 3
