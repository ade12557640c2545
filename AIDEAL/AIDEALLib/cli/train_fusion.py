"""`aideal train fusion`: the weights of the fusion and the calibration of P(swap), learned for given networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import Debug, Models
from .training_options import RUNS, shown_progress

if TYPE_CHECKING:
    from ..estimation.fusion.weights import FusionOptions
    from ..models import Networks

EXPORTED = RUNS / "export"
CASES, PASSES, CALIBRATION_CASES = 200, 8, 400
Cases = Annotated[int, typer.Option(min=2, help="Simulated abdomens for the fusion, two slices each.")]
Passes = Annotated[int, typer.Option(min=1, help="Passes of the fusion over all slices.")]
CalibrationCases = Annotated[int, typer.Option(min=2, help="Other abdomens, two slices each, to calibrate P(swap) on.")]
BALANCE_EVERY = 3
"""Slices that the balance is chosen on: one in so many."""


def fusion(
    models: Models = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the networks with what was learned.")] = EXPORTED,
    cases: Cases = CASES,
    passes: Passes = PASSES,
    calibration_cases: CalibrationCases = CALIBRATION_CASES,
    keep_weights: Annotated[
        bool,
        typer.Option(
            "--keep-weights", help="Calibrate P(swap) alone, for the weights that the networks carry (no cases, no passes)."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of patients and protocols.")] = 5,
    debug: Debug = False,
) -> None:
    """Learn the weights of the fusion, calibrate the swap probability, store both inside G_phi."""
    from ..estimation.fusion.learned import FUSION, Learned
    from ..models import load_networks, model_directory
    from ..training.fusion_cases import USUAL, fusion_cases
    from ..training.fusion_fit import calibrate
    from ..training.settings import store_settings

    source = models or model_directory()
    networks = load_networks("cpu", source)
    if keep_weights and FUSION not in networks.settings:
        raise InputError(f"The networks in {source} carry no weights of the fusion to keep. Leave out --keep-weights.")
    weights = Learned.of(networks.settings).fusion if keep_weights else _learned_weights(networks, cases, passes, seed)
    with shown_progress("calibration", 2 * calibration_cases, value="swapped") as progress:
        usual = fusion_cases(calibration_cases, seed, networks, USUAL)
        calibration = calibrate(usual, weights, progress)
    learned = "weights kept" if keep_weights else f"weights learned on {cases} simulated abdomens in {passes} passes"
    origin = f"{learned}, P(swap) calibrated on {calibration_cases} other abdomens, seed {seed}"
    store_settings(source, to, Learned(weights, calibration, calibrated=True).as_settings(), origin)
    typer.echo(f"Networks: {to.resolve()}")


def _learned_weights(networks: Networks, cases: int, passes: int, seed: int) -> FusionOptions:
    from rich.console import Console

    from ..estimation.fusion.weights import FusionOptions
    from ..training.fusion_cases import fusion_cases
    from ..training.fusion_fit import TRIALS, choose_balance, learn_weights

    with Console(stderr=True).status("Simulated abdomens"):
        drawn = list(fusion_cases(cases, seed, networks))
    with shown_progress("fusion", passes, True) as progress:
        weights = learn_weights(drawn, FusionOptions(), passes, seed, progress)
    with shown_progress("balance", TRIALS, True) as progress:
        return choose_balance(drawn[::BALANCE_EVERY], weights, progress)
