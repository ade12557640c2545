"""A small run that has everything loaded and compiled that the first run of a user would wait for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ..echoes import EchoSeries
from ..models import NetworkSource
from ..options import RunOptions
from ..physics.signal import synthesise
from ..physics.spectrum import SIX_PEAK
from ..pipeline import run
from ..progress import Monitor

TE_S = (1.3e-3, 3.4e-3, 5.5e-3, 7.6e-3, 9.7e-3, 11.8e-3)
FIELD_STRENGTH_T, SNR, SIZE = 1.5, 30.0, 48
RUNS = 2
"""TorchScript observes the first run of a network and compiles in the second."""


def warm_up_scan() -> EchoSeries:
    """A disc of water with a rim of fat."""
    axis = torch.linspace(-1.2, 1.2, SIZE)
    radius = torch.hypot(axis[:, None], axis).expand(2, SIZE, SIZE)
    fat = ((radius > 0.8) & (radius < 1)).to(torch.complex64)
    water = (radius <= 0.8).to(torch.complex64)
    te_s = torch.tensor(TE_S, dtype=torch.float64)
    modulation = SIX_PEAK.modulation(te_s, FIELD_STRENGTH_T)
    echoes = synthesise(water, fat, 60 * radius, torch.full_like(radius, 40.0), te_s, modulation).numpy()
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(echoes.shape) + 1j * rng.standard_normal(echoes.shape)
    return EchoSeries((echoes + noise / SNR).astype(np.complex64), te_s.numpy(), FIELD_STRENGTH_T)


def warm_up(options: RunOptions, networks: NetworkSource, cancelled: Callable[[], bool]) -> None:
    """Run a small scan as a user's run would.

    Parameters
    ----------
    options : RunOptions
        Options of the run that is expected.
    networks : callable
        Gives the networks on a device.
    cancelled : callable
        Whether to stop.

    Raises
    ------
    AidealError
        The networks or the device cannot be used.
    Cancelled
        `cancelled` returned True.
    """
    # not what the options say of the user's scan, such as a correction of its T1 weighting
    loads = RunOptions(
        method=options.method, device=options.device, models=options.models, trust_models=options.trust_models, anyway=True
    )
    scan = warm_up_scan()
    for _ in range(RUNS):
        run(scan, loads, networks=networks, monitor=Monitor(cancelled=cancelled))
