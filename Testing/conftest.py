"""What several tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.training.export import export_networks
from AIDEALLib.training.model_cards import model_cards
from AIDEALLib.training.networks import FieldNetwork, R2StarNetwork


@pytest.fixture(scope="session")
def fresh_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of exported networks that were never trained."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    field, r2star = FieldNetwork(), R2StarNetwork()
    export_networks(field, r2star, folder, model_cards(field, r2star, {"field": 0}))
    return folder


@pytest.fixture
def te_s() -> torch.Tensor:
    """Echo times 1.3 + 2.1 n ms, six echoes."""
    return 1.3e-3 + 2.1e-3 * torch.arange(6, dtype=torch.float64)


Voxels = Callable[..., torch.Tensor]


@pytest.fixture
def voxels() -> Voxels:
    """Make complex128 echoes (echo, voxels) of the six-peak model at 1.5 T; every argument a number or one value a voxel."""

    def make(
        te_s: torch.Tensor,
        pdff_percent: object,
        field_hz: object,
        r2star_per_s: object,
        phase_rad: object = 0.7,
        noise_sd: float = 0.0,
        field_strength_t: float = 1.5,
        seed: int = 0,
    ) -> torch.Tensor:
        values = (
            torch.as_tensor(np.asarray(x), dtype=torch.float64) for x in (pdff_percent, field_hz, r2star_per_s, phase_rad)
        )
        pdff, field, r2star, phase = torch.broadcast_tensors(*(torch.atleast_1d(x) for x in values))
        total = torch.polar(torch.ones_like(phase), phase)
        modulation = SIX_PEAK.modulation(te_s, field_strength_t)
        echoes = synthesise(total * (1 - pdff / 100), total * pdff / 100, field, r2star, te_s, modulation)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(*echoes.shape, 2, generator=generator, dtype=torch.float64)
        return echoes + noise_sd * torch.view_as_complex(noise)

    return make
