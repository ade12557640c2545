"""Learn the fusion's weights and calibrate P(swap).

First the sweeps are unrolled and the log-likelihood of the true mode under the marginals is maximised by gradient. It is
greatest where the marginals are calibrated, so the weights come out as those of the best prediction, not of the fewest
errors alone. Unrolled sweeps know no proposals and no moves of whole regions, though, and there the balance of evidence,
network and smoothness decides: it is then chosen by the log-likelihood of the whole estimate. Last, P(swap) is calibrated, on
slices that the weights were not learned on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

from ..errors import InputError
from ..estimation.fusion.mean_field import mean_field, unary_nats
from ..estimation.fusion.smoothness import Smoothness
from ..estimation.fusion.swap_calibration import SwapCalibration, SwapEvidence
from ..estimation.fusion.weights import FusionOptions
from ..estimation.methods.refined import find_modes
from ..estimation.timing import Stopwatch
from .fusion_cases import FusionCase

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
KNOTS = np.concatenate([[0.0], np.geomspace(1e-5, 0.1, 10), np.linspace(0.2, 0.6, 5), [1.0]])
"""Edges of the groups of scores that the calibration averages."""
BALANCES = tuple((evidence, network) for evidence in (0.6, 1.0) for network in (0.01, 0.03, 0.1))
"""Weights of evidence and network that are tried."""
BALANCES_THREE = (0.03, 0.06, 0.12, 0.25)
"""Weights of the network that are tried for three echoes."""
COUPLINGS, SCALES = (0.7, 1.0, 1.4), (1.0, 1.6, 2.5)
"""Factors of the ring weights, and of the scale of a jump, that are tried one after the other."""
TRIALS = len(BALANCES) + len(COUPLINGS) + len(SCALES) + len(BALANCES_THREE)
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
    penalties = smoothness.penalties(case.candidates.field_hz, case.field_variance, scan.period_hz)
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
    """The options whose P(swap) predicts the swaps of the whole estimate best: one group of weights after the other is tried.

    First the weights of evidence and network, then the strength and the scale of the smoothness, last the weight of the network
    for three echoes. `progress` is called after each trial with (trials done, mean nats of a voxel).
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


def _best(
    cases: Sequence[FusionCase], trials: Sequence[FusionOptions], progress: Callable[[int, float], None], done: int
) -> FusionOptions:
    nats: list[float] = []
    for tried in trials:
        swaps = [_swaps(case, tried) for case in cases]
        probability = torch.cat([evidence.own[case.body] for case, (evidence, _) in zip(cases, swaps, strict=True)])
        wrong = torch.cat([swapped[case.body] for case, (_, swapped) in zip(cases, swaps, strict=True)])
        p = probability.double().clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        nats.append(float(torch.nn.functional.binary_cross_entropy(p, wrong.double())))
        progress(done + len(nats), nats[-1])
    return trials[int(np.argmin(nats))]


def _swaps(case: FusionCase, options: FusionOptions) -> tuple[SwapEvidence, torch.Tensor]:
    """What the whole estimate knows of swaps in a slice, and which voxels are swapped, bool (voxels,)."""
    found = find_modes(case.given, Stopwatch(torch.device("cpu")), options)
    return found.evidence, case.swapped(found.best.field_hz)


def _exponentials(logs: dict[str, torch.Tensor], start: FusionOptions) -> FusionOptions:
    values = {name: tuple(log.exp().unbind()) if log.dim() else log.exp() for name, log in logs.items()}
    return replace(start, **values)  # type: ignore[arg-type]


@torch.no_grad()
def calibrate(cases: Iterable[FusionCase], options: FusionOptions, progress: Callable[[int, float], None]) -> SwapCalibration:
    """Logistic regression over the body's voxels of all slices, then isotonic regression of its result.

    Source: Zadrozny and Elkan, KDD 2002, 694. One knot of the map a group of `KNOTS`. `progress` is called after each slice
    with (slices done, share of its voxels that are swapped).

    Raises
    ------
    InputError
        No case at all.
    """
    terms, wrong = [], []
    for number, case in enumerate(cases):
        evidence, swapped = _swaps(case, options)
        terms.append(evidence.terms()[:, case.body])
        wrong.append(swapped[case.body])
        progress(number + 1, float(swapped[case.body].float().mean()))
    if not terms:
        raise InputError("No simulated slice was left to calibrate on; take more cases.")
    x, y = torch.cat(terms, 1).double().numpy(), torch.cat(wrong).double().numpy()
    weights = _logistic_regression(x, y)
    return _with_monotone_map(weights, expit(np.array(weights.slopes) @ x + weights.intercept), y)


def _logistic_regression(terms: np.ndarray, wrong: np.ndarray) -> SwapCalibration:
    """Of `wrong` (voxels,) on the terms of `SwapEvidence` (5, voxels), by maximum likelihood."""
    design = np.concatenate([np.ones_like(terms[:1]), terms])

    def nats(weights: np.ndarray) -> tuple[float, np.ndarray]:
        z = weights @ design
        slope = design @ (expit(z) - wrong)
        return float(np.mean(np.logaddexp(0, z) - wrong * z)), slope / wrong.size

    start = np.array([0.0, 1.0] + [0.0] * (len(terms) - 1))
    found = minimize(nats, start, jac=True, method="L-BFGS-B", bounds=[(None, None)] + [(0.0, None)] * len(terms))
    intercept, own, around, misfit, jumps, snr = _rounded(found.x)
    return SwapCalibration(intercept, own, around, misfit, jumps, snr)


def _with_monotone_map(weights: SwapCalibration, score: np.ndarray, wrong: np.ndarray) -> SwapCalibration:
    order = np.argsort(score)
    groups = np.array_split(order, np.flatnonzero(np.diff(np.digitize(score[order], KNOTS[1:-1]))) + 1)
    x = np.array([score[group].mean() for group in groups])
    y = np.array([wrong[group].mean() for group in groups])
    y = isotonic_regression(y, weights=np.array([float(group.size) for group in groups])).x
    knots = _rounded(np.concatenate([[0.0], x, [1.0]]))
    values = _rounded(np.concatenate([y[:1], y, y[-1:]]))
    rising = [n for n in range(len(knots)) if n == 0 or knots[n] > knots[n - 1]]
    return replace(weights, score=tuple(knots[n] for n in rising), calibrated=tuple(values[n] for n in rising))


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(v), 7) for v in values)
