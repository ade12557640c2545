"""Batches simulated ahead by worker processes: one processor core simulates slices far slower than a GPU learns from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch.utils.data import DataLoader, Dataset

from ..simulation.random_slices import EchoBatch

BatchOf = Callable[[int], EchoBatch]
"""Batch by its number. It depends on the number alone, so that a resumed run, or one on more processes, has the same ones."""


class _Numbered(Dataset[EchoBatch]):
    """The batches of given numbers, in their order."""

    def __init__(self, batch_of: BatchOf, numbers: Sequence[int]) -> None:
        self.batch_of, self.numbers = batch_of, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> EchoBatch:
        return self.batch_of(self.numbers[index])


def prefetched(batch_of: BatchOf, numbers: Sequence[int], workers: int) -> Iterator[EchoBatch]:
    """Batches of the given numbers, in their order.

    Parameters
    ----------
    batch_of : BatchOf
        Batch by its number; picklable, since it is sent to the workers.
    numbers : sequence of int
        Numbers of the batches.
    workers : int
        Processes; with 0 each batch is simulated here when it is needed.

    Returns
    -------
    iterator of EchoBatch
    """
    loader = DataLoader(
        _Numbered(batch_of, numbers),
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,  # a fork would inherit the state of CUDA
        generator=torch.Generator(),  # not the global one, whose state belongs to the training
    )
    return iter(loader)
