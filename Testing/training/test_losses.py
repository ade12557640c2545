"""The losses against brute force."""

from __future__ import annotations

import itertools
import math

import pytest
import scipy.stats
import torch

from AIDEALLib.training.losses import (
    NEIGHBOURS,
    circular_penalty,
    entropy,
    evidence_loss,
    gaussian_nats,
    line_penalty,
    rician_nats,
    soft_cap,
)

ROWS, COLUMNS, BINS = 5, 6, 3


@pytest.fixture
def penalties() -> dict[float, torch.Tensor]:
    distances = {math.hypot(r, c) for r, c, _ in NEIGHBOURS}
    return {d: circular_penalty(BINS, 7.0, 10.0 * d, cut=3.0).double() for d in distances}


def problem(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits and nats (2, BINS, ROWS, COLUMNS) and a foreground with holes."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, BINS, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    nats = 3 * torch.rand(2, BINS, ROWS, COLUMNS, generator=generator, dtype=torch.float64)
    foreground = (torch.rand(2, ROWS, COLUMNS, generator=generator) < 0.8).double()
    return logits, nats, foreground


def pair_penalty(penalties: dict[float, torch.Tensor], a: tuple[int, int], b: tuple[int, int]) -> torch.Tensor | None:
    """Weight times d of an unordered pair of places, None when they are no neighbours."""
    for r, c, weight in NEIGHBOURS:
        if (b[0] - a[0], b[1] - a[1]) in ((r, c), (-r, -c)):
            return weight * penalties[math.hypot(r, c)]
    return None


def test_value_against_brute_force(penalties: dict[float, torch.Tensor]) -> None:
    logits, nats, foreground = problem()
    q = torch.softmax(logits, 1)
    smoothness, beta = 0.3, 0.6
    expected = 0.0
    places = list(itertools.product(range(ROWS), range(COLUMNS)))
    for b in range(2):
        for i, j in places:
            p = q[b, :, i, j]
            expected += float(foreground[b, i, j]) * float(beta * (p * nats[b, :, i, j]).sum() + (p * p.log()).sum())
        for (i, j), (k, m) in itertools.combinations(places, 2):
            d = pair_penalty(penalties, (i, j), (k, m))
            if d is not None and foreground[b, i, j] and foreground[b, k, m]:
                expected += beta * smoothness * float(q[b, :, i, j] @ d @ q[b, :, k, m])
    found = evidence_loss(torch.log_softmax(logits, 1), nats, foreground, penalties, smoothness, beta)
    assert float(found) == pytest.approx(expected / float(foreground.sum()), rel=1e-10)


def test_an_image_smaller_than_the_neighbourhood_counts_the_pairs_it_has(penalties: dict[float, torch.Tensor]) -> None:
    logits, nats, _ = problem(4)
    logits, nats = logits[:, :, :2, :3], nats[:, :, :2, :3]
    q = torch.softmax(logits, 1)
    expected = float((q * nats).sum() + (q * q.log()).sum())
    places = list(itertools.product(range(2), range(3)))
    for b, (first, second) in itertools.product(range(2), itertools.combinations(places, 2)):
        d = pair_penalty(penalties, first, second)
        if d is not None:
            expected += 0.3 * float(q[b, :, first[0], first[1]] @ d @ q[b, :, second[0], second[1]])
    found = evidence_loss(torch.log_softmax(logits, 1), nats, torch.ones(2, 2, 3).double(), penalties, 0.3)
    assert float(found) == pytest.approx(expected / 12, rel=1e-10)


def test_gradient(penalties: dict[float, torch.Tensor]) -> None:
    logits, nats, foreground = problem(1)
    logits.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: evidence_loss(torch.log_softmax(x, 1), nats, foreground, penalties, 0.3, 0.6), (logits,)
    )


def test_it_bounds_the_evidence_of_the_random_field(penalties: dict[float, torch.Tensor]) -> None:
    generator = torch.Generator().manual_seed(2)
    nats = 2 * torch.rand(1, BINS, 2, 2, generator=generator, dtype=torch.float64)
    places = list(itertools.product(range(2), range(2)))
    log_terms = []
    for states in itertools.product(range(BINS), repeat=4):
        energy = sum(float(nats[0, k, i, j]) for k, (i, j) in zip(states, places, strict=True))
        for a, b in itertools.combinations(range(4), 2):
            d = pair_penalty(penalties, places[a], places[b])
            energy += 0.3 * float(d[states[a], states[b]]) if d is not None else 0.0
        log_terms.append(-energy)
    evidence = float(torch.logsumexp(torch.tensor(log_terms, dtype=torch.float64), 0))
    logits = torch.zeros(1, BINS, 2, 2, dtype=torch.float64, requires_grad=True)
    everywhere = torch.ones(1, 2, 2, dtype=torch.float64)
    optimizer = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = evidence_loss(torch.log_softmax(logits, 1), nats, everywhere, penalties, 0.3)
        loss.backward()
        return loss

    start = 4 * float(closure().detach())
    optimizer.step(closure)
    end = 4 * float(closure().detach())
    assert start > end > -evidence
    assert end == pytest.approx(-evidence, abs=0.1)


def test_rician_against_scipy() -> None:
    generator = torch.Generator().manual_seed(3)
    measured = 0.05 + torch.rand(2, 1, 3, 4, generator=generator, dtype=torch.float64)
    model = torch.rand(2, 5, 3, 4, generator=generator, dtype=torch.float64)
    sigma = 0.11
    found = rician_nats(measured, model, torch.tensor(sigma, dtype=torch.float64))
    expected = -scipy.stats.rice.logpdf(measured.numpy(), model.numpy() / sigma, scale=sigma).sum(2)
    assert found.shape == (2, 5, 4)
    # terms without the model are left out: differences between models count
    assert torch.allclose(found - found[:, :1], torch.from_numpy(expected - expected[:, :1]), rtol=1e-9)


def test_rician_of_strong_signal_is_finite() -> None:
    found = rician_nats(torch.full((1, 1, 3, 1), 1e3), torch.full((1, 2, 3, 1), 1e3), torch.tensor(0.1))
    assert bool(torch.isfinite(found).all())


def test_gaussian_nats_is_the_excess_energy_over_twice_the_variance() -> None:
    energy = torch.tensor([[3.0, 1.0, 2.0]])[..., None]
    nats = gaussian_nats(energy, torch.tensor([[8.0]])[..., None], torch.tensor([0.5]), 4, misfit=0.1)
    assert nats.flatten().tolist() == pytest.approx([2 / (2 * 0.26), 0.0, 1 / (2 * 0.26)])


def test_soft_cap() -> None:
    nats = torch.tensor([0.0, 10.0, 40.0, 1e4])
    found = soft_cap(nats, 40.0)
    assert found.tolist() == pytest.approx([0.0, 10.0, 40.0 - math.log(2), 40.0], abs=1e-5)


def test_entropy() -> None:
    flat = torch.full((1, 8, 2), math.log(1 / 8))
    assert entropy(flat).flatten().tolist() == pytest.approx([math.log(8)] * 2)


def test_penalties() -> None:
    circle = circular_penalty(8, 10.0, 20.0, cut=2.0)
    assert torch.equal(circle, circle.T)
    assert circle[0].tolist() == pytest.approx([0, 0.25, 1, 2, 2, 2, 1, 0.25])
    line = line_penalty(torch.tensor([0.0, 1.0, 4.0]), 2.0, cut=3.0)
    assert line[0].tolist() == pytest.approx([0, 0.25, 3])
