"""The fit at one voxel, for a plot: measured echoes beside the signal that the maps describe (numpy only)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
_HZ_PER_T_AND_PPM = 42.577
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True, eq=False)
class VoxelFit:
    """Magnitudes at one voxel.

    Attributes
    ----------
    te_s, measured : echo times (s) and measured magnitudes.
    time_s, fitted, lower, upper : the fitted curve and its band, where 95 % of measured magnitudes are to be expected.
    residual_percent : root mean square misfit in percent of the root mean square signal.
    """

    te_s: FloatArray
    measured: FloatArray
    time_s: FloatArray
    fitted: FloatArray
    lower: FloatArray
    upper: FloatArray
    residual_percent: float


def mended_samples(
    samples: npt.NDArray[np.complexfloating],
    repairs: Mapping[str, Any],
    voxel: tuple[int, int, int],
    shape: tuple[int, int, int],
) -> npt.NDArray[np.complex128]:
    """Echoes of a voxel as they were estimated: rotation sense, scale, odd-even and first-echo phase mended.

    Parameters
    ----------
    samples : (echo,) as measured. voxel, shape : slice, row, column of the voxel, and their numbers in the scan.
    repairs : of the run, as `estimation.repairs.Repairs.as_dict` tells them in its provenance; {} mends nothing.
    """
    out = np.asarray(samples, dtype=np.complex128)
    if repairs.get("conjugated"):
        out = np.conj(out)
    if gains := repairs.get("gains_taken_out"):
        out = out / np.asarray(gains)
    n = np.arange(len(out))
    patterns = {"bipolar": 1.0 - 2.0 * (n % 2), "first_echo": (n == 0).astype(float)}
    of_slice = repairs.get("by_slice") or ()
    for kind, pattern in patterns.items():
        error = repairs.get(kind)
        if not error or not error["applied"]:
            continue
        if kind == "bipolar" and voxel[0] < len(of_slice) and of_slice[voxel[0]]:
            error = of_slice[voxel[0]]
        place = voxel[1 + error["axis"]] / shape[1 + error["axis"]] - 0.5
        out = out * np.exp(-1j * pattern * (error["constant_rad"] + error["slope_rad"] * place))
    return out


def fit_voxel(
    echoes: npt.NDArray[np.complexfloating],
    te_s: npt.ArrayLike,
    field_strength_t: float,
    *,
    field_hz: float,
    r2star_per_s: float,
    noise_sd: float,
    ppm: npt.ArrayLike,
    amplitudes: npt.ArrayLike,
    without_first: bool = False,
    points: int = 200,
) -> VoxelFit:
    """Fit water and fat to the echoes of a voxel whose field and R2* are known, and draw the curve between the echoes.

    s(t) = (W + F c(t)) exp(i 2 pi phi t - R2* t), W and F complex by least squares; the band holds the noise of an echo and the
    uncertainty of W and F (that of phi and R2* is left out).

    Parameters
    ----------
    echoes : (echo,) complex samples, of the rotation sense the field belongs to.
    noise_sd : noise per real channel, in the unit of the echoes.
    ppm, amplitudes : fat spectrum, shifts relative to water.
    without_first : leave the first echo out of the fit, as a mixed fit leaves out its phase; it is still told as measured.
    """
    te = np.asarray(te_s, dtype=np.float64)
    samples = np.asarray(echoes, dtype=np.complex128)

    def basis(times: FloatArray) -> npt.NDArray[np.complex128]:
        shifts_hz = np.asarray(ppm, dtype=np.float64) * _HZ_PER_T_AND_PPM * field_strength_t
        fat = np.exp(2j * np.pi * times[:, None] * shifts_hz) @ np.asarray(amplitudes, dtype=np.float64)
        common = np.exp((2j * np.pi * field_hz - r2star_per_s) * times)
        return np.stack([common, common * fat], axis=1)

    used = slice(1 if without_first else 0, None)
    design, samples = basis(te[used]), samples[used]
    inverse = np.linalg.pinv(design)
    components = inverse @ samples
    time = np.linspace(0.0, 1.05 * te[-1], points)
    curve = basis(time)
    fitted = np.abs(curve @ components)
    spread = np.sqrt(noise_sd**2 * (1.0 + np.sum(np.abs(curve @ inverse) ** 2, axis=1)))
    misfit = np.linalg.norm(samples - design @ components) / max(float(np.linalg.norm(samples)), np.finfo(float).tiny)
    return VoxelFit(
        te,
        np.abs(np.asarray(echoes)),
        time,
        fitted,
        np.maximum(fitted - _TWO_SIDED_95 * spread, 0.0),
        fitted + _TWO_SIDED_95 * spread,
        float(100 * misfit),
    )
