"""Options of the training of a comparator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ComparatorOptions:
    """Options of the training of a comparator.

    Attributes
    ----------
    steps : int
        Optimiser steps, shared by the stages; fewer where validation stops improving.
    batch : int
        Slices of a step.
    size : int
        Rows and columns.
    patients : int
        Abdomens for training; a tenth as many more for validation.
    rates : tuple of float
        Learning rates that are tried.
    seed : int
        Of weights and slices.
    """

    steps: int
    batch: int = 2
    size: int = 96
    patients: int = 120
    rates: tuple[float, ...] = (1e-3, 3e-3)
    seed: int = 0
