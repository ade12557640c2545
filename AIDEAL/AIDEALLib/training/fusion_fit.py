"""Learn the weights of the fusion.

First the sweeps are unrolled and the log-likelihood of the true mode under the marginals is maximised by gradient. It is
greatest where the marginals are calibrated, so the weights are those of the best prediction, not of the fewest errors. The
unrolled sweeps lack proposals and moves of whole regions, in which the balance of evidence, network and smoothness decides:
the balance is then chosen by the log-likelihood of the whole estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from ..estimation.fusion.mean_field import mean_field, unary_nats
from ..estimation.fusion.smoothness import Smoothness
from ..estimation.fusion.weights import FusionOptions
from .fusion_cases import FusionCase
from .progress import StepProgress
from .swap_fit import estimated_swaps

LEARNED = (
    "evidence_weight",
    "misfit",
    "decay_weight",
    "phase_cap",
    "network_weight",
    "network_weight_three",
    "ring_weights",
    "scale_hz",
    "distance_power",
    "cut",
)
UNROLLED_SWEEPS = 4
CASES_PER_STEP = 6
RATE, LAST_RATE = 0.06, 0.003
BALANCES = tuple((evidence, network) for evidence in (0.6, 1.0) for network in (0.01, 0.03, 0.1))
"""Weights of evidence and network among which the balance is chosen."""
BALANCES_THREE = (0.03, 0.06, 0.12, 0.25)
"""Weights of the network for three echoes."""
COUPLINGS, SCALES = (0.7, 1.0, 1.4), (1.0, 1.6, 2.5)
"""Factors of the ring weights, and of the scale of a jump, chosen one after the other."""
TRIALS = len(BALANCES) + len(COUPLINGS) + len(SCALES) + len(BALANCES_THREE)
LEAST_PROBABILITY = 1e-4
FLOOR = 1e-5
"""Least probability of the true mode in the likelihood: voxels of artefact do not dominate."""


def true_mode_nats(case: FusionCase, options: FusionOptions) -> torch.Tensor:
    """Mean -log probability of the true mode.

    Parameters
    ----------
    case : FusionCase
        A slice.
    options : FusionOptions
        Weights of the fusion; tensors for gradients.

    Returns
    -------
    torch.Tensor, scalar, nats
        Over the body's voxels that have the true mode among their candidates.
    """
    right = ~case.swapped(case.candidates.field_hz)
    scan = case.given.scan
    use = case.body & right.any(0)
    unary = unary_nats(case.candidates, case.mass, case.noise_sd, options)
    smoothness = Smoothness.of(case.neighbours, options, scan.field_strength_t)
    penalties = smoothness.penalties(case.candidates.field_hz, case.field_variance, scan.period_hz)
    q = mean_field(unary, penalties, smoothness, options)
    return -torch.log((q * right).sum(0).clamp_min(FLOOR))[use].mean()


def learn_weights(
    cases: Sequence[FusionCase], start: FusionOptions, passes: int, seed: int, progress: StepProgress
) -> FusionOptions:
    """Learn the weights `LEARNED` with Adam on their logarithms.

    Parameters
    ----------
    cases : sequence of FusionCase
        Slices to learn from.
    start : FusionOptions
        Start of the weights; all else is kept.
    passes : int
        Passes over all slices.
    seed : int
        Of their order.
    progress : StepProgress
        Called after each pass with (passes done, mean loss in nats).

    Returns
    -------
    FusionOptions
    """
    logs = {name: torch.log(torch.tensor(getattr(start, name), dtype=torch.float32)).requires_grad_() for name in LEARNED}
    optimiser = torch.optim.Adam(logs.values(), lr=RATE)
    rng = np.random.default_rng(seed)
    for pass_ in range(passes):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - pass_ / passes) + LAST_RATE
        losses = []
        order = rng.permutation(len(cases))
        for first in range(0, len(cases), CASES_PER_STEP):
            optimiser.zero_grad()
            chosen = order[first : first + CASES_PER_STEP]
            for number in chosen:
                loss = true_mode_nats(cases[number], replace(_exponentials(logs, start), sweeps=UNROLLED_SWEEPS))
                (loss / len(chosen)).backward()
                losses.append(float(loss.detach()))
            torch.nn.utils.clip_grad_norm_(list(logs.values()), 1.0)
            optimiser.step()
        progress(pass_ + 1, float(np.mean(losses)))
    found = _exponentials({name: value.detach() for name, value in logs.items()}, start)
    plain = {
        name: tuple(round(float(v), 4) for v in value) if isinstance(value, tuple) else round(float(value), 4)
        for name, value in ((name, getattr(found, name)) for name in LEARNED)
    }
    return replace(start, **plain)  # type: ignore[arg-type]


@torch.inference_mode()
def choose_balance(cases: Sequence[FusionCase], options: FusionOptions, progress: StepProgress) -> FusionOptions:
    """The options whose P(swap) predicts the swaps of the whole estimate best.

    A coordinate search: the weights of evidence and network, then the strength and the scale of the smoothness, last the weight
    of the network for three echoes.

    Parameters
    ----------
    cases : sequence of FusionCase
        Slices to choose on; without cases of three echoes (or of more) the weights that concern them are kept.
    options : FusionOptions
        Start.
    progress : StepProgress
        Called after each trial with (trials done, mean nats of a voxel).

    Returns
    -------
    FusionOptions
    """
    three = [case for case in cases if case.candidates.n_echoes == 3]
    more = [case for case in cases if case.candidates.n_echoes > 3]
    best, done = options, 0

    def choose(among: Sequence[FusionCase], trials: Sequence[FusionOptions]) -> None:
        nonlocal best, done
        if among:
            best = _best(among, trials, progress, done)
        done += len(trials)

    choose(more, [replace(best, evidence_weight=evidence, network_weight=network) for evidence, network in BALANCES])
    choose(
        more,
        [replace(best, ring_weights=tuple(round(factor * float(w), 4) for w in best.ring_weights)) for factor in COUPLINGS],
    )
    choose(more, [replace(best, scale_hz=round(factor * float(best.scale_hz), 4)) for factor in SCALES])
    choose(three, [replace(best, network_weight_three=network) for network in BALANCES_THREE])
    return best


def _best(cases: Sequence[FusionCase], trials: Sequence[FusionOptions], progress: StepProgress, done: int) -> FusionOptions:
    nats: list[float] = []
    for tried in trials:
        swaps = [estimated_swaps(case, tried) for case in cases]
        probability = torch.cat([evidence.own[case.body] for case, (evidence, _) in zip(cases, swaps, strict=True)])
        wrong = torch.cat([swapped[case.body] for case, (_, swapped) in zip(cases, swaps, strict=True)])
        p = probability.double().clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        nats.append(float(torch.nn.functional.binary_cross_entropy(p, wrong.double())))
        progress(done + len(nats), nats[-1])
    return trials[int(np.argmin(nats))]


def _exponentials(logs: dict[str, torch.Tensor], start: FusionOptions) -> FusionOptions:
    values = {name: tuple(log.exp().unbind()) if log.dim() else log.exp() for name, log in logs.items()}
    return replace(start, **values)  # type: ignore[arg-type]
