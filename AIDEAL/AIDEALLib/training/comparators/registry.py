"""The comparators by name, and their files."""

from __future__ import annotations

from pathlib import Path

import torch

from ...errors import InputError
from ...resources import resource
from .interface import ComparatorNetwork
from .mdwf_net import MDWFNet
from .published_aideal import PublishedAIDEAL
from .unet import PlainUNet
from .up_net import UPNet
from .vet_net import VETNet

COMPARATORS: dict[str, type[ComparatorNetwork]] = {
    "unet": PlainUNet,
    "mdwf-net": MDWFNet,
    "vet-net": VETNet,
    "up-net": UPNet,
    "aideal-published": PublishedAIDEAL,
}
FOLDER = "Comparators"
"""Folder of the bundled weights below `Resources`."""


def untrained(name: str) -> ComparatorNetwork:
    """Make a comparator.

    Parameters
    ----------
    name : str
        One of `COMPARATORS`.

    Returns
    -------
    ComparatorNetwork

    Raises
    ------
    InputError
        There is no such comparator.
    """
    if name not in COMPARATORS:
        raise InputError(f"No comparator is called '{name}'; one of {', '.join(COMPARATORS)} was expected.")
    return COMPARATORS[name]()


def save_weights(network: ComparatorNetwork, file: Path) -> None:
    """Write the weights of a comparator in half precision."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    torch.save({name: values.half() for name, values in network.state_dict().items()}, unfinished)
    unfinished.replace(file)


def trained_comparator(name: str, folder: Path | None = None) -> ComparatorNetwork:
    """Load a comparator for evaluation.

    Parameters
    ----------
    name : str
        One of `COMPARATORS`.
    folder : Path, optional
        Folder of the weights; the bundled ones by default.

    Returns
    -------
    ComparatorNetwork

    Raises
    ------
    InputError
        There is no such comparator, or no file of it in the folder.
    ResourceMissing
        The bundled weights are not installed.
    """
    network = untrained(name)
    file = resource(FOLDER, f"{name}.pt") if folder is None else folder / f"{name}.pt"
    if not file.is_file():
        raise InputError(f"No {name}.pt in {folder}; train it first (aideal train comparator {name}).")
    weights = torch.load(file, map_location="cpu", weights_only=True)
    network.load_state_dict({key: values.float() for key, values in weights.items()})
    return network.eval().requires_grad_(False)
