"""How a training reports its progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

StepProgress = Callable[[int, float], None]
"""Called after each step with (steps done, loss or another mean)."""


class ProgressBars(Protocol):
    """Opens a progress bar for each stage of a training."""

    def __call__(self, stage: str, steps: int, value: str = "loss") -> AbstractContextManager[StepProgress]:
        """Bar of a stage.

        Parameters
        ----------
        stage : str
            Name of the stage.
        steps : int
            Number of steps.
        value : str
            Name of the value reported with each step.

        Returns
        -------
        context manager
            Gives what is called after each step.
        """
