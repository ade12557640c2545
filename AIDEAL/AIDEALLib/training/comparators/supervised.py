"""Supervised training of a comparator, with labels from the simulator."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Protocol as Interface
from typing import cast

import torch
from lightning.fabric import Fabric

from ...errors import InputError
from ...simulation.protocol import PAPER
from ...simulation.random_slices import EchoBatch, SliceBatch, random_protocol, random_slices
from ..loop import Logits, LoopOptions, run_loop
from ..prefetch import BatchOf
from ..progress import StepProgress
from ..run_stage import keep_options
from .mdwf_net import MDWFNet
from .unet import PlainUNet
from .vet_net import VETNet

COMPARATORS = {"unet": PlainUNet, "mdwf-net": MDWFNet, "vet-net": VETNet}
N_ECHOES = 6


class Comparator(Interface):
    """Interface of the comparators; `one_protocol` is False where a network serves any protocol with six echoes."""

    one_protocol: bool

    def logits(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> torch.Tensor:
        """Outputs of the network.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex
            Echoes.
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        field_strength_t : float, tesla
            Main field.

        Returns
        -------
        torch.Tensor, shape (batch, channel, row, column)
        """

    def pdff(self, outputs: torch.Tensor) -> torch.Tensor:
        """PDFF, 0 to 1, (batch, row, column), from the outputs."""

    def loss(self, outputs: torch.Tensor, batch: SliceBatch) -> torch.Tensor:
        """Loss against the truth of simulated slices, scalar."""


def batches(one_protocol: bool, options: LoopOptions) -> BatchOf:
    """Random slices with six echoes: of the paper's protocol (1.5 T, 1.3 + 2.1 n ms), or of random ones."""
    return partial(_batch, one_protocol, options)


def _batch(one_protocol: bool, options: LoopOptions, number: int) -> SliceBatch:
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
    protocol = (torch.tensor(PAPER.te_s, dtype=torch.float64), PAPER.field_strength_t)
    if not one_protocol:
        protocol = random_protocol(generator, N_ECHOES)
    return random_slices(options.batch, options.size, generator, protocol)


def train_comparator(name: str, options: LoopOptions, directory: Path, fabric: Fabric, progress: StepProgress) -> None:
    """Train a comparator.

    Parameters
    ----------
    name : str
        One of `COMPARATORS`.
    options : LoopOptions
        Options of the loop.
    directory : Path
        Receives a folder of that name with checkpoint and log; a checkpoint found there is resumed.
    fabric : Fabric
        Devices.
    progress : StepProgress
        Called after each step with (steps done, loss).

    Raises
    ------
    InputError
        No such comparator, or the checkpoint belongs to a run with other options.
    """
    torch.manual_seed(options.seed)
    network = _untrained(name)
    comparator = cast(Comparator, network)

    def loss_of(logits: Logits, batch: EchoBatch, share: float) -> torch.Tensor:
        return comparator.loss(logits(batch.echoes, batch.te_s, batch.field_strength_t), cast(SliceBatch, batch))

    keep_options(directory / name, options, fabric)
    batch_of = batches(comparator.one_protocol, options)
    run_loop(network, loss_of, batch_of, options, directory / name, fabric, progress)


def trained_comparator(name: str, directory: Path) -> Comparator:
    """A comparator from its checkpoint, for evaluation.

    Parameters
    ----------
    name : str
        One of `COMPARATORS`.
    directory : Path
        Folder of the trained comparators.

    Returns
    -------
    Comparator

    Raises
    ------
    InputError
        It was not trained in the directory.
    """
    checkpoint = directory / name / "checkpoint.pt"
    if not checkpoint.is_file():
        raise InputError(f"No {name} in {directory}; train it first (aideal train comparator {name}).")
    network = _untrained(name)
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["network"])
    return cast(Comparator, network.eval().requires_grad_(False))


def _untrained(name: str) -> torch.nn.Module:
    if name not in COMPARATORS:
        raise InputError(f"No comparator is called '{name}'; one of {', '.join(COMPARATORS)} was expected.")
    network: torch.nn.Module = COMPARATORS[name](N_ECHOES)
    return network
