"""Coils are combined without changing the evolution over the echoes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from image_files import TE_S
from scipy.io import savemat

from AIDEALLib.io.coils import combine_coils
from AIDEALLib.io.load import load_series


def test_coils_are_combined_without_touching_the_echo_evolution(tmp_path: Path) -> None:
    row, column = np.mgrid[0:24, 0:20] / 24
    te = np.asarray(TE_S)[:, None, None, None]
    truth = (1 + row)[None, None] * np.exp((2j * np.pi * 80 * column[None, None] - 40) * te)
    coils = [np.exp(-((row - r) ** 2) * 2 + 1j * (column * k + r)) for r, k in ((0, 1), (0.5, -2), (1, 0.5))]
    stacked = np.stack([truth * coil for coil in coils]).astype(np.complex64)
    combined = combine_coils(stacked)
    np.testing.assert_allclose(combined[1:] / combined[:1], truth[1:] / truth[:1], rtol=1e-4)
    images = np.transpose(stacked, (3, 4, 2, 0, 1))
    savemat(tmp_path / "a.mat", {"imDataParams": {"images": images, "TE": TE_S, "FieldStrength": 1.5}})
    series = load_series(tmp_path / "a.mat")
    assert series.notes == ("3 coils were combined by a local matched filter.",)
    np.testing.assert_allclose(np.abs(series.echoes), np.abs(combined), rtol=1e-5)
