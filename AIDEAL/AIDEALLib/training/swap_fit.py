"""Calibrate P(swap) on simulated slices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit

from ..errors import InputError
from ..estimation.fusion.swap_calibration import SwapCalibration, SwapEvidence
from ..estimation.fusion.weights import FusionOptions
from ..estimation.methods.refined import find_modes
from ..estimation.timing import Stopwatch
from .fusion_cases import FusionCase
from .progress import StepProgress

KNOTS = np.concatenate([[0.0], np.geomspace(1e-5, 0.1, 10), np.linspace(0.2, 0.6, 5), [1.0]])
"""Edges of the groups of scores; the monotone map has one knot for each group."""


def estimated_swaps(case: FusionCase, options: FusionOptions) -> tuple[SwapEvidence, torch.Tensor]:
    """Estimate a slice: evidence of swaps, and true swaps.

    Parameters
    ----------
    case : FusionCase
        The slice.
    options : FusionOptions
        Weights of the fusion.

    Returns
    -------
    evidence : SwapEvidence
        Evidence of a swap in each voxel.
    swapped : torch.Tensor, shape (voxels,), bool
        Voxels whose estimate is swapped.
    """
    found = find_modes(case.given, Stopwatch(torch.device("cpu")), options)
    return found.evidence, case.swapped(found.best.field_hz)


@torch.no_grad()
def calibrate(cases: Iterable[FusionCase], options: FusionOptions, progress: StepProgress) -> SwapCalibration:
    """Logistic regression over the body's voxels of all slices, then isotonic regression of its result.

    Parameters
    ----------
    cases : iterable of FusionCase
        Slices that the weights were not learned on.
    options : FusionOptions
        Weights of the fusion.
    progress : StepProgress
        Called after each slice with (slices done, share of its voxels that are swapped).

    Returns
    -------
    SwapCalibration

    Raises
    ------
    InputError
        There is no case.

    References
    ----------
    Zadrozny and Elkan, KDD 2002, 694.
    """
    terms, wrong = [], []
    for number, case in enumerate(cases):
        evidence, swapped = estimated_swaps(case, options)
        terms.append(evidence.terms()[:, case.body])
        wrong.append(swapped[case.body])
        progress(number + 1, float(swapped[case.body].float().mean()))
    if not terms:
        raise InputError("No simulated slice was left for the calibration. Take more cases.")
    x, y = torch.cat(terms, 1).double().numpy(), torch.cat(wrong).double().numpy()
    weights = _logistic_regression(x, y)
    return _with_monotone_map(weights, expit(np.array(weights.slopes) @ x + weights.intercept), y)


def _logistic_regression(terms: np.ndarray, wrong: np.ndarray) -> SwapCalibration:
    """Regression of `wrong` (voxels,) on the terms of `SwapEvidence` (5, voxels), by maximum likelihood."""
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
