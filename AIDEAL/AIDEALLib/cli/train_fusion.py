"""`aideal train fusion`: the weights of the fusion and the calibration of P(swap), learned for given networks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Debug, Models
from .training_options import RUNS, shown_progress

EXPORTED = RUNS / "export"
CASES, PASSES = 200, 8
Cases = Annotated[int, typer.Option(min=2, help="Simulated abdomens for the fusion, two slices each.")]
Passes = Annotated[int, typer.Option(min=1, help="Passes of the fusion over all slices.")]
BALANCE_EVERY = 3
"""Slices that the balance is chosen on: one in so many."""


def fusion(
    models: Models = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the networks with what was learned.")] = EXPORTED,
    cases: Cases = CASES,
    passes: Passes = PASSES,
    seed: Annotated[int, typer.Option(min=0, help="Of patients and protocols.")] = 5,
    debug: Debug = False,
) -> None:
    """Learn the weights of the fusion, calibrate the swap probability, store both inside G_phi."""
    from rich.console import Console

    from ..estimation.fusion_options import FusionOptions
    from ..estimation.learned import Learned
    from ..models import load_networks, model_directory
    from ..training.fusion_cases import fusion_cases
    from ..training.fusion_fit import TRIALS, calibrate, choose_balance, learn_weights
    from ..training.settings import store_settings

    source = models or model_directory()
    with Console(stderr=True).status("Simulated abdomens"):
        drawn = list(fusion_cases(cases, seed, load_networks("cpu", source)))
    with shown_progress("fusion", passes, True) as progress:
        weights = learn_weights(drawn, FusionOptions(), passes, seed, progress)
    with shown_progress("balance", TRIALS, True) as progress:
        weights = choose_balance(drawn[::BALANCE_EVERY], weights, progress)
    with Console(stderr=True).status("Calibration"):
        learned = Learned(weights, calibrate(drawn, weights), calibrated=True)
    store_settings(source, to, learned.as_settings(), f"{len(drawn)} simulated slices, seed {seed}, {passes} passes")
    typer.echo(f"Networks: {to.resolve()}")
