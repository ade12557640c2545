"""What tests of the readers share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest


@pytest.fixture
def echoes() -> npt.NDArray[np.complex64]:
    rng = np.random.default_rng(4)
    shape = (4, 3, 16, 12)
    return (rng.uniform(1, 100, shape) * np.exp(1j * rng.uniform(-np.pi, np.pi, shape))).astype(np.complex64)
