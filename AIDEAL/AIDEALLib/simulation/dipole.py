"""Magnetic field of a susceptibility distribution: the dipole convolution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.ndimage

from .shapes import AnyFloats, Grid

GYROMAGNETIC_RATIO_HZ_PER_PPM_T = 42.577
"""Off-resonance in Hz of one ppm of field at one tesla (proton)."""
NORMAL_BLUR = 1.5
"""Voxels over which the direction of a surface is averaged, since it is painted in steps."""
LEAST_SLOPE = 0.03
"""Slope of the susceptibility, ppm/mm, below which there is no surface."""


def dipole_field_ppm(
    susceptibility_ppm: npt.ArrayLike,
    spacing_mm: tuple[float, float, float],
    b0_direction: tuple[float, float, float] = (0.0, 0.0, 1.0),
    padding: float = 2.0,
) -> npt.NDArray[np.float32]:
    """Relative field change seen by a spin, in ppm of B0, from a susceptibility distribution.

    Parameters
    ----------
    susceptibility_ppm : np.ndarray, shape (slice, row, column)
        Volume susceptibility (SI) in ppm, relative to what surrounds the array (tissue in air: about -9).
    spacing_mm : tuple of float
        Voxel size along (column, row, slice), as in `Geometry`.
    b0_direction : tuple of float
        Direction of B0 along (column, row, slice); head-foot, across axial slices, by default.
    padding : float
        Length of the zero-padded box over that of the array; periodic images of the array fade with its cube.

    Returns
    -------
    np.ndarray, shape (slice, row, column), float32, ppm
        Positive is a higher field, so a positive off-resonance. The mean over the padded box is 0.

    Notes
    -----
    dB(k)/B0 = (1/3 - (k.b)^2 / |k|^2) chi(k), b the unit vector along B0. The 1/3 is the sphere of Lorentz: inside a
    homogeneous sphere the change is 0. Outside the array the susceptibility is 0.

    References
    ----------
    Salomir et al., Concepts Magn Reson B 2003;19:26.
    Marques and Bowtell, Concepts Magn Reson B 2005;25:65.
    """
    chi = np.asarray(susceptibility_ppm, dtype=np.float32)
    box = tuple(scipy.fft.next_fast_len(int(np.ceil(n * padding)), real=True) for n in chi.shape)
    direction = np.asarray(b0_direction, dtype=float) / np.linalg.norm(b0_direction)
    kx = np.fft.rfftfreq(box[2], spacing_mm[0]).astype(np.float32)[None, None, :]
    ky = np.fft.fftfreq(box[1], spacing_mm[1]).astype(np.float32)[None, :, None]
    kz = np.fft.fftfreq(box[0], spacing_mm[2]).astype(np.float32)[:, None, None]
    along = np.float32(direction[0]) * kx + np.float32(direction[1]) * ky + np.float32(direction[2]) * kz
    squared = kx**2 + ky**2 + kz**2
    squared[0, 0, 0] = 1.0
    kernel = np.float32(1 / 3) - along**2 / squared
    kernel[0, 0, 0] = 0.0
    spectrum = scipy.fft.rfftn(chi, box) * kernel
    field = scipy.fft.irfftn(spectrum, box)[: chi.shape[0], : chi.shape[1], : chi.shape[2]]
    return np.ascontiguousarray(field, dtype=np.float32)


def field_between_ppm(
    susceptibility_ppm: AnyFloats, coarse: Grid, grid: Grid, own_susceptibility_ppm: AnyFloats
) -> npt.NDArray[np.float32]:
    """Field of a coarsely painted susceptibility at the voxel centres of another grid, in ppm of B0.

    Parameters
    ----------
    susceptibility_ppm : np.ndarray, shape of `coarse`
        Volume susceptibility in ppm; blurred by half a voxel, so that the field does not ring.
    coarse : Grid
        Evenly spaced; reaches well beyond `grid`, since what lies outside shifts the field too.
    grid : Grid
        Voxel centres where the field is needed.
    own_susceptibility_ppm : np.ndarray, shape of `grid`
        Susceptibility in the voxels themselves.

    Returns
    -------
    np.ndarray, shape of `grid`, float32, ppm

    Notes
    -----
    At a surface the field jumps by (1/3 - n^2) of the jump of chi, n the component of its normal along B0. So (1/3 - n^2) chi,
    with the chi of the voxel itself, is added to the rest, which is continuous and interpolated. If all were interpolated, the
    outermost voxels of the body would get a field between those of tissue and of air, which no tissue has. Away from surfaces n
    does not matter, since both susceptibilities are equal.
    """
    spacing = tuple(float(axis[1] - axis[0]) for axis in (coarse.x, coarse.y, coarse.z))
    chi = scipy.ndimage.gaussian_filter(np.asarray(susceptibility_ppm, np.float32), 0.5)
    slopes = [slope**2 for slope in np.gradient(chi, *spacing[::-1])]
    along, total = (scipy.ndimage.gaussian_filter(s, NORMAL_BLUR) for s in (slopes[0], sum(slopes)))
    share = (total / 3 - along) / (total + LEAST_SLOPE**2)
    rest = dipole_field_ppm(chi, (spacing[0], spacing[1], spacing[2]), padding=1.5) - share * chi
    axes = zip((grid.z, grid.y, grid.x), (coarse.z, coarse.y, coarse.x), spacing[::-1], strict=True)
    places = np.meshgrid(*((fine - wide[0]) / step for fine, wide, step in axes), indexing="ij", copy=False)
    rest, share = (scipy.ndimage.map_coordinates(values, places, order=3, mode="nearest") for values in (rest, share))
    return np.asarray(rest + share * own_susceptibility_ppm, np.float32)


def ppm_to_hz(field_ppm: npt.NDArray[np.float32], field_strength_t: float) -> npt.NDArray[np.float32]:
    """Off-resonance in Hz of a relative field in ppm, same shape."""
    return (field_ppm * np.float32(GYROMAGNETIC_RATIO_HZ_PER_PPM_T * field_strength_t)).astype(np.float32)
