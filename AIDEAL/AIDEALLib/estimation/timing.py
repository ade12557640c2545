"""Time of a run by stage, on any device."""

from __future__ import annotations

import torch

from .. import stopwatch


class Stopwatch(stopwatch.Stopwatch):
    """Sums time by stage over all threads; waits for the device, so that a stage pays for its own kernels.

    Parameters
    ----------
    device : torch.device
        Where the stages compute.
    """

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self._device = device

    def _now(self) -> tuple[float, float]:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return super()._now()
