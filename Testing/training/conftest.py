"""What the tests of training share."""

from __future__ import annotations

import pytest
from lightning.fabric import Fabric

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.models import load_networks
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.training import fusion_cases as cases_module
from AIDEALLib.training.fusion_cases import FusionCase, fusion_cases
from AIDEALLib.training.own_scans import OwnScan


@pytest.fixture
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture(scope="session")
def scan() -> EchoSeries:
    return demo_liver(matrix=(2, 64, 64))[0]


@pytest.fixture(scope="session")
def own(scan: EchoSeries) -> OwnScan:
    return OwnScan.of(scan)


@pytest.fixture(scope="session")
def cases() -> list[FusionCase]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases_module, "MATRIX", 48)
        patch.setattr(cases_module, "RANDOM_SIZE", 40)
        return list(fusion_cases(4, 1, load_networks()))
