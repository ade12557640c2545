"""The dipole convolution against closed forms."""

import numpy as np
import pytest

from AIDEALLib.simulation.dipole import dipole_field_ppm, field_between_ppm, ppm_to_hz
from AIDEALLib.simulation.shapes import Grid

N = 64


def _soft(distance: np.ndarray) -> np.ndarray:
    """Fraction of a voxel inside a surface at signed `distance` (positive inside), in voxels."""
    return np.clip(distance + 0.5, 0, 1)


def _grid(spacing=(1.0, 1.0, 1.0), n=N):
    axes = [(np.arange(n) - n // 2) * s for s in reversed(spacing)]
    return np.meshgrid(*axes, indexing="ij")


def test_sphere_inside_and_outside():
    z, y, x = _grid()
    r = np.sqrt(x**2 + y**2 + z**2)
    radius, chi = 10.0, 9.0
    field = dipole_field_ppm(chi * _soft(radius - r), (1, 1, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = chi / 3 * (radius / r) ** 3 * (3 * (z / r) ** 2 - 1)
    outside = (r > radius + 2.5) & (r < 28)
    assert np.abs(field - expected)[outside].max() < 0.12
    assert np.abs(field - expected)[outside].mean() < 0.02
    assert np.abs(field[r < radius - 2.5]).max() < 0.12


@pytest.mark.parametrize("axis", [0, 1])
def test_cylinder_across_the_field(axis):
    """A long cylinder along the column or row axis, B0 along the slices: -chi/6 inside, a two-lobed field outside."""
    shape = [96, 96, 96]
    shape[2 - axis] = 512
    z, y, x = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij", sparse=True)
    across = y if axis == 0 else x
    r = np.sqrt(across**2 + z**2)
    radius, chi = 8.0, 9.0
    body = np.broadcast_to(chi * _soft(radius - r), shape)
    field = dipole_field_ppm(body, (1, 1, 1), padding=1.5)
    middle = np.take(field, shape[2 - axis] // 2, axis=2 - axis)
    rr, zz, aa = (np.squeeze(np.broadcast_to(v, np.broadcast_shapes(r.shape))) for v in (r, z, across))
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = chi / 2 * (radius / rr) ** 2 * (zz**2 - aa**2) / rr**2
    outside = (rr > radius + 2.5) & (rr < 24)
    assert np.abs(middle - expected)[outside].max() < 0.15
    assert middle[rr < radius - 2.5] == pytest.approx(-chi / 6, abs=0.15)


def test_spacing_and_direction():
    """The same sphere on anisotropic voxels, and with B0 along the columns."""
    spacing = (1.0, 1.0, 2.0)
    z, y, x = _grid(spacing)
    r = np.sqrt(x**2 + y**2 + z**2)
    body = 9.0 * _soft(10.0 - r)
    field = dipole_field_ppm(body, spacing, b0_direction=(2, 0, 0))
    outside = (r > 15) & (r < 25)
    expected = 3 * (10 / np.where(r > 0, r, 1)) ** 3 * (3 * (x / np.where(r > 0, r, 1)) ** 2 - 1)
    assert np.abs(field - expected)[outside].max() < 0.2


def test_air_below_tissue_raises_the_field_there():
    """Sign: a gas bubble (+9 ppm against tissue) has a higher field above and below it, along B0."""
    z, y, x = _grid()
    bubble = 9.0 * _soft(6 - np.sqrt(x**2 + y**2 + z**2))
    field = dipole_field_ppm(bubble, (1, 1, 1))
    assert field[N // 2 + 10, N // 2, N // 2] > 0.5
    assert field[N // 2, N // 2 + 10, N // 2] < -0.25
    assert ppm_to_hz(np.float32(1.0), 1.5) == pytest.approx(63.8655)


def test_field_up_to_the_surface_of_a_cylinder_along_the_field():
    """Painted on 3 mm, needed on 1 mm: chi/3 more inside than outside, without values between at the surface."""
    coarse = Grid(4.0 * np.arange(-120, 121), 3.0 * np.arange(-25, 26), 3.0 * np.arange(-25, 26))
    fine = Grid(np.array([-3.0, 0.0, 2.0]), np.arange(-45.0, 46), np.arange(-45.0, 46))

    def painted(grid: Grid) -> np.ndarray:
        x, y, _ = grid.mesh()
        return np.broadcast_to(np.where(np.hypot(x, y) < 40.3, 9.0, 0.0), grid.shape)

    own = painted(fine)
    field = field_between_ppm(painted(coarse), coarse, fine, own)
    outside = field[own == 0].mean()  # not 0, since the mean over the padded box is
    assert field[own > 0] - outside == pytest.approx(3.0, abs=5e-3)
    assert field[own == 0] == pytest.approx(outside, abs=5e-3)


def test_field_up_to_the_surface_of_a_sphere():
    """Inside a sphere the field does not change, whatever the direction of the surface; painted on 2 mm, needed on 1 mm."""
    coarse = Grid(*(2.0 * np.arange(-60, 61) for _ in range(3)))
    fine = Grid(np.arange(-40.0, 41), np.array([0.7]), np.arange(-40.0, 41))

    def radius(grid: Grid) -> np.ndarray:
        x, y, z = grid.mesh()
        return np.sqrt(x**2 + y**2 + z**2)

    r, cosine = radius(fine), fine.mesh()[2] / np.maximum(radius(fine), 1.0)
    own = np.where(r < 30.2, 9.0, 0.0)
    field = field_between_ppm(np.where(radius(coarse) < 30.2, 9.0, 0.0), coarse, fine, own)
    error = field - np.where(own > 0, 0.0, 3.0 * (30.2 / np.maximum(r, 1.0)) ** 3 * (3 * cosine**2 - 1))
    assert np.abs(error[r < 26]).max() < 0.2
    for outermost in ((r > 29) & (own > 0), (r < 31.5) & (own == 0)):
        for latitude in (np.abs(cosine) < 0.3, np.abs(cosine) > 0.8):
            assert error[outermost & latitude].mean() == pytest.approx(0.0, abs=0.5), "painted in steps"
