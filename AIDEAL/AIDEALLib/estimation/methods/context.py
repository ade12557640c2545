"""What a method is given besides the slice."""

from __future__ import annotations

from dataclasses import dataclass

from ...models import Networks
from ..fusion.learned_settings import LearnedSettings
from ..timing import Stopwatch


@dataclass(frozen=True)
class MethodContext:
    """Shared by all slices of a run.

    Attributes
    ----------
    watch : Stopwatch
        Sums the time of each stage.
    learned : LearnedSettings
        Weights of the fusion and calibration of P(swap).
    loaded : Networks or None
        The networks; None for a method that needs none.
    """

    watch: Stopwatch
    learned: LearnedSettings
    loaded: Networks | None = None

    def networks(self) -> Networks:
        """Return the networks, for a method that is registered as needing them."""
        if self.loaded is None:
            raise ValueError("this method is registered without networks")
        return self.loaded
