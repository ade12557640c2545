from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.estimation.voxelwise.local_misfit import local_misfit, noise_variance_factor
from AIDEALLib.estimation.voxelwise.neighbours import OFFSETS, Neighbours
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import run
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.scan import PAPER, acquire


def test_it_is_the_mean_of_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random((9, 9)) < 0.8
    mask[4, 4] = True
    energy = rng.uniform(1, 30, (9, 9))
    found = local_misfit(torch.tensor(energy[mask]), torch.tensor(0.7), 6, Neighbours.of(torch.tensor(mask)))
    inside = [(4, 4), *(place for row, column, _ in OFFSETS if mask[place := (4 + row, 4 + column)])]
    expected = np.mean([energy[place] for place in inside]) / (0.7**2 * 6)
    assert float(found[int(mask.ravel()[: 4 * 9 + 4].sum())]) == pytest.approx(expected)


@pytest.mark.parametrize("degrees", [2, 6, 18])
def test_noise_alone_hardly_widens_and_five_times_its_variance_widens_as_much_at_least(degrees: int) -> None:
    generator = np.random.default_rng(degrees)
    neighbours = Neighbours.of(torch.ones(60, 60, dtype=torch.bool))
    energy = torch.tensor(generator.chisquare(degrees, 3600), dtype=torch.float32)
    factors = []
    for scale in (1.0, 5.0):
        misfit = local_misfit(scale * energy, torch.tensor(1.0), degrees, neighbours)
        assert float(misfit.mean()) == pytest.approx(scale, rel=0.05)
        factors.append(noise_variance_factor(misfit, degrees, neighbours))
    assert float(factors[0].mean()) < 1.02
    assert float(factors[1].quantile(0.05)) > 4


def test_without_degrees_of_freedom_nothing_is_known() -> None:
    neighbours = Neighbours.of(torch.ones(3, 3, dtype=torch.bool))
    misfit = local_misfit(torch.full((9,), 50.0), torch.tensor(0.1), 0, neighbours)
    assert torch.equal(misfit, torch.ones(9))
    assert torch.equal(noise_variance_factor(misfit, 0, neighbours), torch.ones(9))


def test_the_stated_sd_follows_the_errors_under_motion() -> None:
    tissue = abdomen(31, 1.5, (3, 96, 96), (4.0, 4.0, 30.0))
    stated, found = [], []
    for motion_mm in (0.0, 3.0):
        series = acquire(tissue, PAPER, np.random.default_rng(5), Artefacts(motion_mm=motion_mm))
        maps = run(series, RunOptions(), check=False, corrections=NO_CORRECTIONS).maps
        inside = tissue.segment("Right lobe") & maps.mask
        error = np.abs(maps.pdff - tissue.pdff_percent)[inside]
        stated.append(np.median(maps.pdff_sd[inside]))
        found.append(np.quantile(error, 0.68))
    assert found[0] == pytest.approx(stated[0], rel=0.15)
    assert found[1] > 2 * found[0]
    assert stated[1] == pytest.approx(found[1], rel=0.2)
