"""Interface of the comparators."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from ...simulation.random_slices import SliceBatch

N_ECHOES = 6
"""Echoes of every comparator; that of the publications."""


@dataclass(frozen=True)
class NetworkEstimate:
    """Output of a comparator.

    Attributes
    ----------
    pdff : torch.Tensor, shape (batch, row, column)
        PDFF, 0 to 1.
    pdff_sd : torch.Tensor, shape (batch, row, column), optional
        Stated standard deviation of PDFF, 0 to 1; None where the method states none.
    """

    pdff: torch.Tensor
    pdff_sd: torch.Tensor | None = None


class ComparatorNetwork(nn.Module):
    """A network to compare with.

    Attributes
    ----------
    one_protocol : bool
        False where the network is given the echo times and serves any protocol with six echoes.
    stages : tuple of str
        Stages of the training, in their order.
    labels : bool
        Whether training reads the truth of the simulated slices.
    """

    one_protocol = True
    stages: tuple[str, ...] = ("all",)
    labels = True

    def estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        """Estimate PDFF.

        Parameters
        ----------
        echoes : torch.Tensor, shape (batch, echo, row, column), complex
            Echoes; rows and columns are multiples of 8.
        te_s : torch.Tensor, shape (echo,), seconds
            Echo times.
        field_strength_t : float, tesla
            Main field.

        Returns
        -------
        NetworkEstimate
        """
        return self._estimate(echoes, te_s, field_strength_t)

    def _estimate(self, echoes: torch.Tensor, te_s: torch.Tensor, field_strength_t: float) -> NetworkEstimate:
        raise NotImplementedError

    def loss(self, batch: SliceBatch, stage: str) -> torch.Tensor:
        """Loss of a batch in a stage of the training, scalar."""
        raise NotImplementedError

    def trained(self, stage: str) -> Iterable[nn.Parameter]:
        """Parameters that a stage trains."""
        return self.parameters()

    def digest(self) -> str:
        """SHA-256 of the weights."""
        digest = hashlib.sha256()
        for values in self.state_dict().values():
            digest.update(values.numpy().tobytes())
        return digest.hexdigest()

    def calibrate(self, batches: Iterable[SliceBatch]) -> None:
        """Calibrate what is stated on validation slices after the training; nothing by default."""
