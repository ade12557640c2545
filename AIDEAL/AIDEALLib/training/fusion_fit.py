"""Learn the fusion's weights and calibrate P(swap).

First the sweeps are unrolled and the log-likelihood of the true mode under the marginals is maximised by gradient. It is
greatest where the marginals are calibrated, so the weights come out as those of the best prediction, not of the fewest
errors alone. Unrolled sweeps know no moves of whole regions, though, and there the balance of evidence and network decides:
that balance is then chosen by the log-likelihood of the whole estimate. Last, P(swap) is calibrated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import isotonic_regression

from ..estimation.fusion import mean_field, unary_nats
from ..estimation.fusion_options import FusionOptions
from ..estimation.learned import Learned
from ..estimation.refined import refined
from ..estimation.smoothness import Smoothness
from ..estimation.stopwatch import Stopwatch
from ..estimation.swap_probability import SwapCalibration
from .fusion_cases import FusionCase

LEARNED = (
    "evidence_weight",
    "misfit",
    "decay_weight",
    "phase_cap",
    "network_weight",
    "ring_weights",
    "scale_hz",
    "distance_power",
    "cut",
)
UNROLLED_SWEEPS = 12
CASES_PER_STEP = 6
RATE, LAST_RATE = 0.06, 0.003
KNOTS = np.concatenate([[0.0], np.geomspace(1e-4, 0.1, 8), np.linspace(0.2, 0.6, 5), [1.0]])
"""Edges of the groups of raw probabilities that the calibration averages."""
BALANCES = tuple((evidence, network) for evidence in (0.6, 1.0, 1.5) for network in (0.01, 0.04, 0.1))
"""Weights of evidence and network that are tried."""
LEAST_PROBABILITY = 1e-4
FLOOR = 1e-5
"""Least probability of the true mode that the likelihood tells apart: voxels of artefact do not rule."""


def true_mode_nats(case: FusionCase, options: FusionOptions) -> torch.Tensor:
    """Mean of -log probability of the true mode over the body's voxels that have it among their candidates, scalar."""
    right = ~case.swapped(case.candidates.field_hz)
    scan = case.given.scan
    use = case.body & right.any(0)
    unary = unary_nats(case.candidates, case.mass, case.noise_sd, options)
    smoothness = Smoothness.of(case.neighbours, options, scan.field_strength_t)
    penalties = smoothness.penalties(case.candidates.field_hz, scan.period_hz)
    q = mean_field(unary, penalties, smoothness, options)
    return -torch.log((q * right).sum(0).clamp_min(FLOOR))[use].mean()


def learn_weights(
    cases: Sequence[FusionCase], start: FusionOptions, passes: int, seed: int, progress: Callable[[int, float], None]
) -> FusionOptions:
    """Adam on the logarithms of the weights.

    Parameters
    ----------
    cases : slices to learn from; passes : over all of them; progress : called after each with (pass, mean loss in nats).
    """
    logs = {name: torch.log(torch.tensor(getattr(start, name), dtype=torch.float32)).requires_grad_() for name in LEARNED}
    optimiser = torch.optim.Adam(logs.values(), lr=RATE)
    rng = np.random.default_rng(seed)
    for done in range(passes):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - done / passes) + LAST_RATE
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
        progress(done + 1, float(np.mean(losses)))
    found = _exponentials({name: value.detach() for name, value in logs.items()}, start)
    plain = {
        name: tuple(round(float(v), 4) for v in value) if isinstance(value, tuple) else round(float(value), 4)
        for name, value in ((name, getattr(found, name)) for name in LEARNED)
    }
    return replace(start, **plain)  # type: ignore[arg-type]


@torch.inference_mode()
def choose_balance(
    cases: Sequence[FusionCase], options: FusionOptions, progress: Callable[[int, float], None]
) -> FusionOptions:
    """The options with the evidence and network weights, out of `BALANCES`, whose P(swap) predicts the swaps best.

    `progress` is called after each pair with (pairs done, mean nats of a voxel).
    """
    best, least = options, float("inf")
    for done, (evidence, network) in enumerate(BALANCES, 1):
        tried = replace(options, evidence_weight=evidence, network_weight=network)
        probability, wrong = _swaps(cases, tried)
        p = probability.clip(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        nats = float(-np.mean(np.where(wrong > 0, np.log(p), np.log1p(-p))))
        if nats < least:
            best, least = tried, nats
        progress(done, nats)
    return best


def _swaps(cases: Sequence[FusionCase], options: FusionOptions) -> tuple[np.ndarray, np.ndarray]:
    """Raw probability of a swap, and whether there is one (0 or 1), of the body's voxels of all cases."""
    uncalibrated = Learned(options, SwapCalibration(), calibrated=False)
    raw, swapped = [], []
    for case in cases:
        found = refined(case.given, Stopwatch(torch.device("cpu")), uncalibrated)
        raw.append(found.swap_probability[case.body])
        swapped.append(case.swapped(found.best.field_hz)[case.body])
    return torch.cat(raw).double().numpy(), torch.cat(swapped).double().numpy()


def _exponentials(logs: dict[str, torch.Tensor], start: FusionOptions) -> FusionOptions:
    values = {name: tuple(log.exp().unbind()) if log.dim() else log.exp() for name, log in logs.items()}
    return replace(start, **values)  # type: ignore[arg-type]


@torch.inference_mode()
def calibrate(cases: Sequence[FusionCase], options: FusionOptions) -> SwapCalibration:
    """Monotone map of P(swap) by isotonic regression over the body's voxels of all slices, one knot a group of `KNOTS`.

    Source: Zadrozny and Elkan, KDD 2002, 694.
    """
    probability, wrong = _swaps(cases, options)
    order = np.argsort(probability)
    groups = np.array_split(order, np.flatnonzero(np.diff(np.digitize(probability[order], KNOTS[1:-1]))) + 1)
    x = np.array([probability[group].mean() for group in groups])
    y = np.array([wrong[group].mean() for group in groups])
    y = isotonic_regression(y, weights=np.array([float(group.size) for group in groups])).x
    knots = _rounded(np.concatenate([[0.0], x, [1.0]]))
    values = _rounded(np.concatenate([y[:1], y, y[-1:]]))
    rising = [n for n in range(len(knots)) if n == 0 or knots[n] > knots[n - 1]]
    return SwapCalibration(tuple(knots[n] for n in rising), tuple(values[n] for n in rising))


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 6) for v in values)
