"""Adapt trained networks to unlabelled scans: stages A and B continued from the trained weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning.fabric import Fabric
from torch import nn

from ..errors import ModelError
from ..model_files import FIELD_MODEL, R2STAR_MODEL
from ..models import Networks
from .export import export_networks
from .loop import LoopOptions, Loss, run_loop
from .model_cards import Adaptation, model_cards
from .networks import FieldNetwork, R2StarNetwork
from .own_scans import OwnScan, fingerprint, mixed_batches
from .progress import ProgressBars
from .run_stage import FIELD, FIELD_SMOOTHNESS, R2STAR, R2STAR_SMOOTHNESS, keep_options
from .settings import store_settings
from .stages import field_loss, field_of, r2star_loss


def trainable(networks: Networks) -> tuple[FieldNetwork, R2StarNetwork]:
    """Trainable networks with the weights of exported files.

    Parameters
    ----------
    networks : Networks
        The exported networks; they are not changed.

    Returns
    -------
    field : FieldNetwork
        G_phi.
    r2star : R2StarNetwork
        G_R2*.

    Raises
    ------
    ModelError
        The files hold networks of another architecture.
    """
    field, r2star = FieldNetwork(), R2StarNetwork()
    for name, network, script in ((FIELD_MODEL, field, networks.field), (R2STAR_MODEL, r2star, networks.r2star)):
        try:
            network.load_state_dict(script.state_dict())
        except RuntimeError as error:
            raise ModelError(
                f"The weights of {name} do not fit the network that is trained here; networks of this version were expected."
            ) from error
    return field, r2star


def r2star_steps(options: LoopOptions) -> int:
    """Optimiser steps of G_R2*: half of those of G_phi."""
    return max(1, options.steps // 2)


def adapt(
    networks: Networks,
    scans: Sequence[OwnScan],
    options: LoopOptions,
    directory: Path,
    fabric: Fabric,
    bars: ProgressBars,
) -> tuple[FieldNetwork, R2StarNetwork]:
    """Train copies of the networks on the scans and on simulated slices in turn.

    Parameters
    ----------
    networks : Networks
        Networks to start from; they are not changed.
    scans : sequence of OwnScan
        The scans.
    options : LoopOptions
        Options of the loop of G_phi; G_R2*, which converges faster, takes half the steps.
    directory : Path
        Receives a folder with checkpoint and log for each network; an interrupted run is resumed.
    fabric : Fabric
        Devices.
    bars : ProgressBars
        Progress of each network.

    Returns
    -------
    field : FieldNetwork
        G_phi.
    r2star : R2StarNetwork
        G_R2*.

    Raises
    ------
    InputError
        A checkpoint in the directory belongs to other scans, networks or options.
    """
    field, r2star = trainable(networks)
    data = f"own scans {fingerprint(scans)} from {networks.checksums[FIELD_MODEL][:12]} {networks.checksums[R2STAR_MODEL][:12]}"
    both: tuple[nn.Module, nn.Module] = (field, r2star)
    temperatures = [network.get_parameter("temperature").item() for network in both]
    for network in both:
        network.get_parameter("temperature").data.fill_(1.0)  # the losses are those of distributions before calibration
        network.to(fabric.device)

    def train(stage: str, network: nn.Module, loss: Loss, options: LoopOptions) -> None:
        keep_options(directory / stage, options, fabric, data)
        with bars(stage, options.steps) as progress:
            run_loop(network, loss, mixed_batches(scans, options), options, directory / stage, fabric, progress)

    train(
        FIELD,
        field,
        lambda logits, batch, share: field_loss(field, batch, 1.0, FIELD_SMOOTHNESS, logits=logits),
        options,
    )
    field.requires_grad_(False)
    train(
        R2STAR,
        r2star,
        lambda logits, batch, share: r2star_loss(r2star, batch, field_of(field, batch), R2STAR_SMOOTHNESS, logits),
        replace(options, steps=r2star_steps(options)),
    )
    for network, temperature in zip(both, temperatures, strict=True):
        network.get_parameter("temperature").data.fill_(temperature)
        network.cpu().eval().requires_grad_(False)
    return field, r2star


def export_adapted(
    adapted: tuple[FieldNetwork, R2StarNetwork],
    networks: Networks,
    scans: Sequence[OwnScan],
    options: LoopOptions,
    directory: Path,
    table: str,
) -> None:
    """Write adapted networks with their cards; settings of the fusion are copied unchanged.

    Parameters
    ----------
    adapted : tuple
        G_phi and G_R2* as `adapt` returns them.
    networks : Networks
        The networks before.
    scans : sequence of OwnScan
        The scans; the cards contain their number alone.
    options : LoopOptions
        As for `adapt`.
    directory : Path
        Folder that receives the files.
    table : str
        File name of the comparison before and after, for the cards.
    """
    adaptation = Adaptation(networks.checksums, len(scans), sum(len(scan.echoes) for scan in scans), table)
    steps = {"adaptation of G_phi": options.steps, "adaptation of G_R2*": r2star_steps(options)}
    export_networks(*adapted, directory, model_cards(*adapted, steps, adaptation))
    if networks.settings:
        store_settings(directory, directory, networks.settings, "the slices of the networks before; copied unchanged")
