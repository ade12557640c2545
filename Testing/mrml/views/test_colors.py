"""Colours of the overlay for readers with any kind of colour vision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("slicer")

VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
"""Linear RGB as it is seen: Machado, Oliveira and Fernandes, IEEE Trans Vis Comput Graph 2009;15:1291, severity 1."""
DISTINCT = 12.0
"""Distance in CIELAB; about 2 is the smallest that is noticed side by side."""
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(rgb: npt.NDArray[np.float64], vision: str) -> npt.NDArray[np.float64]:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.asarray(VISION[vision]).T, 0, 1)
    f = np.cbrt(np.maximum(seen @ TO_XYZ.T / np.array([0.9505, 1.0, 1.089]), 0.0088))
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def ramp(name: str) -> npt.NDArray[np.float64]:
    from AIDEALLib.mrml.views.colors import _COLORS

    stops = np.asarray(_COLORS[name])
    return np.stack([np.interp(np.linspace(0, 1, 101), stops[:, 0], stops[:, channel]) for channel in (1, 2, 3)], axis=-1)


@pytest.mark.parametrize("vision", VISION)
def test_marks_are_told_from_every_colour_of_the_pdff(vision: str) -> None:
    pdff, marks = lab(ramp("PDFF"), vision), lab(ramp("Marked"), vision)
    assert np.linalg.norm(pdff[:, None] - marks[None], axis=-1).min() > DISTINCT
