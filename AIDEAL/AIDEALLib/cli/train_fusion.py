"""`aideal train fusion`: the weights of the fusion and the calibration of P(swap), learned for given networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from .option_groups import takes_option_groups
from .options import Debug, Models, TrustModels
from .training_options import EXPORTED, shown_progress


@dataclass(frozen=True)
class FusionSize:
    """Options: how much the fusion learns from.

    Attributes
    ----------
    cases : int
        Abdomens that the weights are learned on.
    passes : int
        Passes over them.
    calibration_cases : int
        Other abdomens that P(swap) is calibrated on.
    """

    cases: Annotated[int, typer.Option(min=2, help="Simulated abdomens for the fusion, two slices each.")] = 200
    passes: Annotated[int, typer.Option(min=1, help="Passes of the fusion over all slices.")] = 8
    calibration_cases: Annotated[int, typer.Option(min=2, help="Other abdomens, two slices each, to calibrate P(swap) on.")] = (
        400
    )


@takes_option_groups
def fusion_command(
    *,
    models: Models = None,
    trust_models: TrustModels = False,
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Folder for the networks with the learned weights and calibration.")
    ] = EXPORTED,
    size: FusionSize,
    keep_weights: Annotated[
        bool,
        typer.Option("--keep-weights", help="Calibrate P(swap) alone; keep the weights stored with the networks."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of patients and protocols.")] = 5,
    debug: Debug = False,
) -> None:
    """Learn the weights of the fusion, calibrate the swap probability, store both inside G_phi."""
    train_fusion(models, to, size, seed, keep_weights, trust_models)


def train_fusion(
    models: Path | None, to: Path, size: FusionSize, seed: int, keep_weights: bool = False, trusted: bool = False
) -> None:
    """Learn and calibrate, with progress bars.

    Parameters
    ----------
    models : Path, optional
        Folder of the networks; None for the bundled ones.
    to : Path
        Folder that receives them with the learned settings; it may be the same.
    size : FusionSize
        How much is learned from.
    seed : int
        Of patients and protocols.
    keep_weights : bool
        Calibrate alone, for the weights stored with the networks.
    trusted : bool
        Load networks other than the bundled ones.

    Raises
    ------
    InputError
        No weights are stored with the networks although they should be kept.
    """
    from rich.console import Console

    from ..model_files import model_directory
    from ..models import load_networks
    from ..training.fusion_cases import fusion_cases
    from ..training.fusion_training import calibrated, learned_weights, stored_weights
    from ..training.settings import store_settings

    source = models or model_directory()
    networks = load_networks("cpu", source, trusted)
    if keep_weights:
        weights = stored_weights(networks, source)
    else:
        with Console(stderr=True).status("Simulated abdomens"):
            cases = list(fusion_cases(size.cases, seed, networks))
        weights = learned_weights(cases, size.passes, seed, shown_progress)
    learned = calibrated(networks, weights, size.calibration_cases, seed, shown_progress)
    origin = "weights kept" if keep_weights else f"weights learned on {size.cases} simulated abdomens in {size.passes} passes"
    origin += f", P(swap) calibrated on {size.calibration_cases} other abdomens, seed {seed}"
    store_settings(source, to, learned.as_settings(), origin)
    typer.echo(f"Networks: {to.resolve()}")
