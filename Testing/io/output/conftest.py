"""A scan and its maps, for tests of the writers."""

from __future__ import annotations

import numpy as np
import pytest
from image_files import GEOMETRY

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance

SHAPE = (3, 24, 20)
TE_S = (0.0013, 0.0034, 0.0055)


@pytest.fixture
def series() -> EchoSeries:
    rng = np.random.default_rng(1)
    echoes = rng.normal(size=(3, *SHAPE)) + 1j * rng.normal(size=(3, *SHAPE))
    return EchoSeries(echoes.astype(np.complex64), np.asarray(TE_S), 1.5, GEOMETRY, source="made up")


@pytest.fixture
def maps() -> ParameterMaps:
    rng = np.random.default_rng(2)
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[:, 4:20, 3:17] = True
    mask[1, 2:22, 3:17] = True
    arrays = {name: (rng.normal(20, 30, SHAPE) * mask).astype(np.float32) for name in MAP_INFO}
    provenance = Provenance(
        version="0.1.0",
        method="refined",
        device="cpu",
        torch_version="2",
        te_s=TE_S,
        field_strength_t=1.5,
        spectrum={"ppm": np.array([-3.4, 0.6])},
        models={},
        phase_sign="as model",
        readout="unknown",
        noise_sd=(1.0, 2.0, 3.0),
        notes=("µ",),
    )
    return ParameterMaps(**arrays, mask=mask, geometry=GEOMETRY, provenance=provenance)
