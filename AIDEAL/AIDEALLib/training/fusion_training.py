"""Weights of the fusion and calibration of P(swap) for given networks, from simulated slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import InputError
from ..estimation.fusion.learned_settings import FUSION, LearnedSettings
from ..estimation.fusion.weights import FusionOptions
from ..models import Networks
from .fusion_cases import CALIBRATION, FusionCase, fusion_cases
from .fusion_fit import TRIALS, choose_balance, learn_weights
from .progress import ProgressBars
from .swap_fit import calibrate

BALANCE_EVERY = 3
"""The balance is chosen on one slice in so many."""


def stored_weights(networks: Networks, source: Path) -> FusionOptions:
    """Weights stored with the networks.

    Parameters
    ----------
    networks : Networks
        The networks.
    source : Path
        Where they were loaded from, for the message.

    Returns
    -------
    FusionOptions

    Raises
    ------
    InputError
        None are stored.
    """
    if FUSION not in networks.settings:
        raise InputError(f"The networks in {source} carry no weights of the fusion to keep. Leave out --keep-weights.")
    return LearnedSettings.of(networks.settings).fusion


def learned_weights(cases: Sequence[FusionCase], passes: int, seed: int, bars: ProgressBars) -> FusionOptions:
    """Weights learned from simulated slices.

    Parameters
    ----------
    cases : sequence of FusionCase
        The slices.
    passes : int
        Passes over all slices.
    seed : int
        Of their order.
    bars : ProgressBars
        Progress.

    Returns
    -------
    FusionOptions
    """
    with bars("fusion", passes) as progress:
        weights = learn_weights(cases, FusionOptions(), passes, seed, progress)
    with bars("balance", TRIALS) as progress:
        return choose_balance(cases[::BALANCE_EVERY], weights, progress)


def calibrated(networks: Networks, weights: FusionOptions, cases: int, seed: int, bars: ProgressBars) -> LearnedSettings:
    """The weights with a calibration of P(swap), on slices that they were not learned on.

    Parameters
    ----------
    networks : Networks
        The networks.
    weights : FusionOptions
        Weights of the fusion.
    cases : int
        Simulated abdomens, two slices each.
    seed : int
        Of patients and protocols.
    bars : ProgressBars
        Progress of the calibration.

    Returns
    -------
    LearnedSettings
    """
    with bars("calibration", 2 * cases, value="swapped") as progress:
        calibration = calibrate(fusion_cases(cases, seed, networks, CALIBRATION), weights, progress)
    return LearnedSettings(weights, calibration, calibrated=True)
