"""Method graph-cuts on slices of known truth: no swap where evidence is strong, noise-limited maps, honest probabilities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.graph_cuts.graph_cuts import GraphCutOptions, mode_probability, smooth_field
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.held_out import HeldOutCase, held_out_cases
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.scan import PAPER, acquire
from AIDEALLib.validation.scores import error_in

SHIFT = SIX_PEAK.mean_shift_hz(1.5)


@pytest.fixture(scope="module")
def case() -> HeldOutCase:
    return next(held_out_cases(100, (5, 96, 96), (PAPER,)))


@pytest.fixture(scope="module")
def maps(case: HeldOutCase) -> ParameterMaps:
    return estimate(case.series, RunOptions(method="graph-cuts", device="cpu", conjugate="no", bipolar="no"))


def test_no_swap_and_noise_limited_where_evidence_is_strong(case: HeldOutCase, maps: ParameterMaps) -> None:
    names = {name: label for label, name in case.truth.label_names.items()}
    liver = np.isin(case.truth.labels, [names["Right lobe"], names["Left lobe"]])
    error = error_in(maps, case.truth, liver, "liver", SHIFT)
    assert error.voxels > 500
    assert error.swap_percent == 0
    assert abs(error.median_bias) < 0.4
    assert error.stated_sd == pytest.approx(error.error_sd, rel=0.15)
    assert 60 < error.coverage_68_percent < 76
    body = error_in(maps, case.truth, case.truth.body, "body", SHIFT)
    assert body.swap_percent < 1


def test_provenance_states_method_and_options(maps: ParameterMaps) -> None:
    assert maps.provenance.method == "graph-cuts"
    assert maps.provenance.models == {}
    assert maps.provenance.options["graph_cuts"]["bins"] == GraphCutOptions().bins


def test_swap_probability_is_small_where_right_and_large_where_swapped(case: HeldOutCase, maps: ParameterMaps) -> None:
    inside = case.truth.body & maps.mask
    off = maps.field - case.truth.field_hz
    period = 1 / float(np.diff(case.series.te_s).min())
    swapped = inside & (np.abs(off - period * np.round(off / period)) > abs(SHIFT) / 2)
    assert np.mean(maps.swap_probability[inside & ~swapped] < 0.05) > 0.97
    assert swapped.sum() < 5 or np.mean(maps.swap_probability[swapped] > 0.5) > 0.5


def test_vials_without_noise_have_no_swap_and_finite_maps() -> None:
    truth = phantom("1", PAPER.field_strength_t, (1, 48, 48), 6.0)
    series = acquire(truth, replace(PAPER, snr=1e6), np.random.default_rng(0), coil_phase=False)
    maps = estimate(series, RunOptions(method="graph-cuts", device="cpu", conjugate="no", bipolar="no"))
    vials = maps.mask & (truth.labels > 0)
    assert np.abs(maps.pdff - truth.pdff_percent)[vials].max() < 0.1
    assert maps.swap_probability[vials].max() < 1e-3
    assert maps.pdff_total_sd[vials].max() < 0.1


def test_flat_field_of_one_tissue_is_found_whatever_its_period() -> None:
    bins, share = 64, 0.4
    grid = np.arange(bins) - 40
    residual = np.repeat(1 - np.cos(2 * np.pi * grid / bins), 30).reshape(bins, 5, 6)
    found = smooth_field(residual, np.ones((5, 6), bool), share * bins, GraphCutOptions(bins=bins))
    assert np.all(found % bins == 40)
    assert np.ptp(found) == 0


def test_probability_of_modes_is_that_of_their_likelihood(te_s: torch.Tensor) -> None:
    scan = Scan.of(te_s, 1.5, SIX_PEAK)
    noise = torch.tensor(0.5)
    energy = torch.tensor([[1.0, 1.0, 5.0], [2.0, 2.0, 1.0], [9.0, 9.0, 9.0]])
    fields = torch.tensor([[0.0, 0.0, 0.0], [SHIFT, 3.0, SHIFT], [-SHIFT, -SHIFT, -SHIFT]])
    found = mode_probability(energy, fields, noise, scan)
    weight = torch.exp(-energy / (2 * 0.25))
    weight[1, 1] = 0  # ended in the minimum of the first
    assert torch.allclose(found, weight / weight.sum(0), atol=1e-6)
