"""Magnitudes alone: exact without noise, and with noise as uncertain as it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fixture_types import Voxels

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.methods.magnitude import fit_magnitudes
from AIDEALLib.estimation.voxelwise.mode import Solution
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.quality.assess import assess
from AIDEALLib.quality.preflight import preflight
from AIDEALLib.simulation.demo import demo_liver

SPACINGS_MS = {1.5: 2.1, 3.0: 1.0}


def protocol(field_t: float, echoes: int = 6) -> Scan:
    return Scan.of(1e-3 * (1.25 + SPACINGS_MS[field_t] * torch.arange(echoes, dtype=torch.float64)), field_t, SIX_PEAK)


def fitted(voxels: Voxels, scan: Scan, pdff: object, r2star: object, noise_sd: float, rough_noise: float = 0.0) -> Solution:
    field = np.linspace(-300, 300, np.size(pdff))  # plays no part
    echoes = voxels(scan.te_s, pdff, field, r2star, noise_sd=noise_sd, field_strength_t=scan.field_strength_t)
    return fit_magnitudes(echoes.abs(), scan, torch.tensor(rough_noise or noise_sd))


@pytest.mark.parametrize("field_t", SPACINGS_MS)
@pytest.mark.parametrize("r2star", [15.0, 60.0, 250.0])
def test_exact_without_noise(voxels: Voxels, field_t: float, r2star: float) -> None:
    pdff = np.concatenate([np.linspace(0, 50, 26), np.linspace(70, 100, 16)])
    found = fitted(voxels, protocol(field_t), pdff, r2star, 0.0, rough_noise=1e-6).best
    np.testing.assert_allclose(found.pdff, pdff, atol=0.02)
    np.testing.assert_allclose(found.r2star_per_s, r2star, rtol=2e-3)
    np.testing.assert_allclose(found.water.real + found.fat.real, np.exp(-r2star * 1.25e-3), rtol=1e-3)


@pytest.mark.parametrize(("field_t", "pdff"), [(1.5, 0.0), (1.5, 10.0), (1.5, 30.0), (3.0, 0.0), (3.0, 20.0), (3.0, 95.0)])
def test_stated_uncertainty_is_that_of_monte_carlo(voxels: Voxels, field_t: float, pdff: float) -> None:
    solution = fitted(voxels, protocol(field_t), np.full(4000, pdff), 40.0, 1 / 60)
    found = solution.best
    right = (found.pdff < 55) == (pdff < 55)
    error = found.pdff[right] - pdff
    assert abs(float(error.mean())) < 0.25
    assert float(found.pdff_variance[right].median().sqrt()) == pytest.approx(float(error.std()), rel=0.1)
    r2star = found.r2star_per_s[right]
    assert abs(float(r2star.mean()) - 40) < 1
    assert float(found.r2star_variance[right].median().sqrt()) == pytest.approx(float(r2star.std()), rel=0.1)
    assert float(solution.noise_sd) == pytest.approx(1 / 60, rel=0.06)


@pytest.mark.parametrize(("pdff", "snr"), [(5.0, 20.0), (20.0, 20.0), (20.0, 50.0), (90.0, 25.0)])
def test_probability_of_the_other_solution_is_how_often_it_is_right(voxels: Voxels, pdff: float, snr: float) -> None:
    solution = fitted(voxels, protocol(3.0), np.full(4000, pdff), 40.0, 1 / snr)
    wrong = (solution.best.pdff < 55) != (pdff < 55)
    assert 0.01 < float(wrong.double().mean()) < 0.4
    assert float(solution.swap_probability.mean()) == pytest.approx(float(wrong.double().mean()), abs=0.03)
    assert float(solution.swap_probability[wrong].mean()) > 1.4 * float(solution.swap_probability[~wrong].mean())
    total = solution.mixture_variance.sqrt()
    assert float(total[wrong].median()) > 15


def test_neighbours_settle_the_choice_and_edges_stay(voxels: Voxels) -> None:
    """Half a slice of 10 % and half of 95 % fat: fewer voxels on the wrong side, none of the values touched."""
    scan = protocol(3.0)
    fat = np.arange(60)[None, :] >= 30
    truth = np.where(np.broadcast_to(fat, (60, 60)), 95.0, 10.0).ravel()
    echoes = voxels(scan.te_s, truth, 20.0, 40.0, noise_sd=1 / 25, field_strength_t=3.0).abs()
    mask = torch.ones(60, 60, dtype=torch.bool)
    alone, together = (fit_magnitudes(echoes, scan, torch.tensor(1 / 25), m) for m in (None, mask))
    wrong = [((s.best.pdff.numpy() < 55) != (truth < 55)).mean() for s in (alone, together)]
    assert wrong[0] > 0.08
    assert wrong[1] < 0.4 * wrong[0]
    assert float(together.swap_probability.mean()) > wrong[1]
    same = (alone.best.pdff < 55) == (together.best.pdff < 55)
    torch.testing.assert_close(alone.best.pdff[same], together.best.pdff[same])


def test_noise_floor_is_no_slow_decay(voxels: Voxels) -> None:
    """Iron: late echoes are noise, whose magnitudes a Gaussian fit would take for signal that lasts."""
    scan = protocol(3.0, echoes=10)
    found = fitted(voxels, scan, np.full(3000, 0.0), 600.0, 1 / 40).best
    assert abs(float(found.r2star_per_s[found.pdff < 30].median()) - 600) < 20


def test_three_echoes_take_the_given_noise(voxels: Voxels) -> None:
    solution = fitted(voxels, protocol(1.5, echoes=3), np.full(1000, 10.0), 40.0, 0.01, rough_noise=0.02)
    assert float(solution.noise_sd) == pytest.approx(0.02)
    assert torch.isfinite(solution.best.pdff_variance).all()


def test_a_whole_scan() -> None:
    series, truth = demo_liver(matrix=(3, 80, 80), snr=80.0)
    magnitudes = EchoSeries(np.abs(series.echoes), series.te_s, series.field_strength_t, series.geometry)
    assert not magnitudes.has_phase
    maps = estimate(magnitudes, RunOptions(method="magnitude", device="cpu"))
    liver = (truth.labels > 0) & maps.mask
    error = maps.pdff[liver] - truth.pdff_percent[liver]
    right = np.abs(error) < 30
    assert right.mean() > 0.97  # single voxels alone would be wrong in one of ten
    assert abs(float(error[right].mean())) < 1
    typical = float(np.median(np.abs(error[right]) / maps.pdff_sd[liver][right]))
    assert 0.35 < typical < 0.8  # 0.67 for Gaussian errors; misfit at edges of tissue raises the noise found
    assert maps.provenance.models == {}
    assert np.all(maps.field == 0) and maps.field_sd[liver].min() > 100  # nothing is known of the field
    codes = {f.code: f for f in assess(magnitudes, maps).findings}
    assert "magnitude-only" not in codes and "sign-undecided" not in codes
    assert "PDFF above 50 %" in codes["magnitude-fit"].sentence
    assert 0 < codes["magnitude-fit"].voxels < maps.mask.sum()


def test_other_methods_refuse_magnitudes_and_offer_this_one() -> None:
    series, _ = demo_liver(matrix=(2, 64, 64), snr=60.0)
    magnitudes = replace(series, echoes=np.abs(series.echoes))
    with pytest.raises(InputError, match="use method magnitude"):
        estimate(magnitudes, RunOptions(device="cpu"))
    with pytest.raises(InputError, match="method magnitude"):
        preflight(magnitudes, RunOptions(), SIX_PEAK).refuse()
    by_magnitude = RunOptions(method="magnitude")
    preflight(magnitudes, by_magnitude, SIX_PEAK).refuse()
    assert assess(magnitudes, options=by_magnitude).codes() == {"magnitude-fit"}
    complex_bound, magnitude_bound = (assess(s, options=o).expected for s, o in ((series, None), (magnitudes, by_magnitude)))
    assert magnitude_bound["pdff_sd_at_10"] != complex_bound["pdff_sd_at_10"]
