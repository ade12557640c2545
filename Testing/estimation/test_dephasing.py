"""R2* is free of the loss to field gradients across slices where there is one, and stays as it is where there is none."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.scan import PAPER, acquire
from AIDEALLib.simulation.tissue import TissueMaps

SLICES, LAYERS, R2STAR = 5, 6, 40.0
HZ_PER_SLICE = 35.0


def ball(layers: int) -> TissueMaps:
    """A disc of 20 % fat in a field that rises from slice to slice, by `HZ_PER_SLICE` in the mean."""
    tissue = phantom("1", 1.5, (SLICES * layers, 48, 48))
    y, x = np.mgrid[:48, :48] - 23.5
    disc = np.broadcast_to(np.hypot(x, y) < 20, tissue.shape)
    z = (np.arange(SLICES * layers) + 0.5) / layers - SLICES / 2
    rise = HZ_PER_SLICE * (z + 0.06 * z**2)[:, None, None] + 0.5 * x
    flat = np.where(disc, np.float32(1), np.float32(0))
    return replace(
        tissue,
        proton_density=flat,
        pdff_percent=20 * flat,
        r2star_per_s=R2STAR * flat,
        field_hz=np.broadcast_to(rise, tissue.shape).astype(np.float32),
        body=disc,
        labels=disc.astype(np.uint8),
        label_names={1: "Disc"},
        reference_labels=(),
    )


def scan(layers: int) -> EchoSeries:
    return acquire(ball(layers), replace(PAPER, snr=40.0), np.random.default_rng(1), Artefacts(layers=layers))


@pytest.fixture(scope="module")
def thick() -> ParameterMaps:
    return estimate(scan(LAYERS), RunOptions(device="cpu"), corrections=NO_CORRECTIONS)


def note_of(maps: ParameterMaps) -> str:
    return next((note for note in maps.provenance.notes if "dephase" in note), "")


def test_loss_is_found_and_r2star_is_free_of_it(thick):
    found = re.search(r"slices of (\d\.\d+) slice distances", note_of(thick))
    assert found and float(found[1]) == pytest.approx(1.0, abs=0.15)
    inner = thick.mask & (np.arange(SLICES)[:, None, None] > 0) & (np.arange(SLICES)[:, None, None] < SLICES - 1)
    uncorrected = estimate(scan(LAYERS), RunOptions(device="cpu", method="one-shot"), corrections=NO_CORRECTIONS)
    assert np.median(uncorrected.r2star[inner]) > 1.3 * R2STAR, "the loss reads as R2*"
    assert np.median(thick.r2star[inner]) == pytest.approx(R2STAR, rel=0.08)
    assert np.median(thick.pdff[inner]) == pytest.approx(20, abs=0.3)


def test_stated_sd_of_r2star_holds_after_the_correction(thick):
    inner = thick.mask[1:-1]
    error = (thick.r2star[1:-1] - R2STAR)[inner] - np.median((thick.r2star[1:-1] - R2STAR)[inner])
    assert error.std() == pytest.approx(thick.r2star_sd[1:-1][inner].mean(), rel=0.15)


def test_a_scan_without_the_loss_stays_as_it_is():
    maps = estimate(scan(1), RunOptions(device="cpu"), corrections=NO_CORRECTIONS)
    assert not note_of(maps)
    assert np.median(maps.r2star[maps.mask]) == pytest.approx(R2STAR, rel=0.05)


def test_maps_stay_consistent(thick):
    total = thick.water + thick.fat
    assert 100 * thick.fat[thick.mask] / total[thick.mask] == pytest.approx(thick.pdff[thick.mask], abs=1e-2)
    assert all(np.all(values[~thick.mask] == 0) for _, values in thick.items())
