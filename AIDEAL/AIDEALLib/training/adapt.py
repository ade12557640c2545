"""Adapt trained networks to unlabelled scans of one's own: stages A and B once more, from where the networks stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lightning.fabric import Fabric
from torch import nn

from ..errors import ModelError
from ..models import FIELD_MODEL, R2STAR_MODEL, Networks
from .loop import LoopOptions, run_loop
from .networks import FieldNetwork, R2StarNetwork
from .own_scans import OwnScan, fingerprint, mixed_batches
from .run_stage import FIELD, FIELD_SMOOTHNESS, R2STAR, R2STAR_SMOOTHNESS, keep_options
from .stages import field_loss, field_of, r2star_loss

Progress = Callable[[int, float], None]


def trainable(networks: Networks) -> tuple[FieldNetwork, R2StarNetwork]:
    """Both networks with the weights of exported files, ready to train.

    Raises
    ------
    ModelError
        The files hold networks of another make.
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


def adapt(
    networks: Networks,
    scans: Sequence[OwnScan],
    options: LoopOptions,
    directory: Path,
    fabric: Fabric,
    progress: Callable[[str], Progress],
) -> tuple[FieldNetwork, R2StarNetwork]:
    """Train copies of the networks on the scans and on simulated slices in turn.

    Parameters
    ----------
    networks : where to start from; they stay as they are.
    options : of the loop; G_R2*, which converges faster, takes half the steps.
    directory : receives a folder with checkpoint and log for each network; a run broken off is resumed.
    progress : of a stage, by its name.

    Raises
    ------
    InputError
        A checkpoint there belongs to other scans, networks or options.
    """
    field, r2star = trainable(networks)
    data = f"own scans {fingerprint(scans)} from {networks.checksums[FIELD_MODEL][:12]} {networks.checksums[R2STAR_MODEL][:12]}"
    both: tuple[nn.Module, nn.Module] = (field, r2star)
    temperatures = [network.get_parameter("temperature").item() for network in both]
    for network in both:
        network.get_parameter("temperature").data.fill_(1.0)  # the losses are those of distributions before calibration
        network.to(fabric.device)

    keep_options(directory / FIELD, options, fabric, data)
    run_loop(
        field,
        lambda logits, batch, share: field_loss(field, batch, 1.0, FIELD_SMOOTHNESS, logits=logits),
        mixed_batches(scans, options),
        options,
        directory / FIELD,
        fabric,
        progress(FIELD),
    )
    field.requires_grad_(False)
    fewer = replace(options, steps=max(1, options.steps // 2))
    keep_options(directory / R2STAR, fewer, fabric, data)
    run_loop(
        r2star,
        lambda logits, batch, share: r2star_loss(r2star, batch, field_of(field, batch), R2STAR_SMOOTHNESS, logits),
        mixed_batches(scans, fewer),
        fewer,
        directory / R2STAR,
        fabric,
        progress(R2STAR),
    )
    for network, temperature in zip(both, temperatures, strict=True):
        network.get_parameter("temperature").data.fill_(temperature)
        network.cpu().eval().requires_grad_(False)
    return field, r2star
