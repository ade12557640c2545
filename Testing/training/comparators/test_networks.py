"""The comparators learn, take the inputs they should, and state what their publications state."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from AIDEALLib.simulation.random_slices import SliceBatch
from AIDEALLib.training.comparators.registry import COMPARATORS, untrained

LABELLED = [name for name, kind in COMPARATORS.items() if kind.labels]


@pytest.mark.parametrize("name", LABELLED)
def test_a_comparator_fits_one_batch(name: str, one_batch: Callable[..., SliceBatch]) -> None:
    torch.manual_seed(0)
    network, batch = untrained(name), one_batch(3)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    errors = []
    for _ in range(45):
        loss = network.loss(batch, "all")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            found = network.estimate(batch.echoes, batch.te_s, batch.field_strength_t).pdff
        errors.append(float((100 * found - batch.pdff_percent)[batch.tissue].abs().mean()))
    assert errors[-1] < 0.6 * errors[0]
    assert bool(((found >= 0) & (found <= 1)).all())


@pytest.mark.parametrize("name", COMPARATORS)
def test_unit_of_the_echoes_does_not_matter(name: str, one_batch: Callable[..., SliceBatch]) -> None:
    torch.manual_seed(1)
    network, batch = untrained(name).eval(), one_batch()
    with torch.no_grad():
        given, scaled = (network.estimate(k * batch.echoes, batch.te_s, 1.5) for k in (1, 50))
    assert torch.allclose(given.pdff, scaled.pdff, atol=1e-3)
    assert (given.pdff_sd is None) == (name in ("unet", "mdwf-net", "vet-net"))
    if given.pdff_sd is not None:
        assert bool((given.pdff_sd >= 0).all())


def test_echo_times_are_given_to_vet_net_and_to_the_least_squares_only(one_batch: Callable[..., SliceBatch]) -> None:
    batch = one_batch()
    for name in COMPARATORS:
        torch.manual_seed(1)
        network = untrained(name).eval()
        with torch.no_grad():
            given, longer = (network.estimate(batch.echoes, k * batch.te_s, 1.5).pdff for k in (1.0, 1.2))
        assert torch.equal(given, longer) == (name not in ("vet-net", "aideal-published")), name


def test_published_aideal_lowers_the_misfit_without_labels(one_batch: Callable[..., SliceBatch]) -> None:
    torch.manual_seed(0)
    network, batch = untrained("aideal-published"), one_batch(3)
    for stage in network.stages:
        before = {name: values.clone() for name, values in network.state_dict().items()}
        optimizer = torch.optim.Adam(network.trained(stage), 2e-3)
        losses = []
        for _ in range(15):
            loss = network.loss(batch, stage)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert min(losses[1:]) < losses[0], stage
        changed = {name.split(".")[0] for name, values in network.state_dict().items() if not torch.equal(values, before[name])}
        assert changed == {"r2star" if stage == "r2star" else "field"}


def test_calibration_of_up_net_is_a_line_through_the_errors(one_batch: Callable[..., SliceBatch]) -> None:
    torch.manual_seed(0)
    network, batch = untrained("up-net").eval(), one_batch()
    network.calibrate([batch])
    with torch.no_grad():
        found = network.estimate(batch.echoes, batch.te_s, 1.5)
    assert found.pdff_sd is not None
    inside = batch.tissue
    error = (found.pdff - batch.pdff_percent / 100)[inside].abs().mean()
    assert float(found.pdff_sd[inside].mean()) == pytest.approx(float(error) * (torch.pi / 2) ** 0.5, rel=0.02)
