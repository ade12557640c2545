"""The forward model and its derivatives."""

from __future__ import annotations

import cmath
import math

import torch

from AIDEALLib.physics.signal import jacobian, synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK

SHAPE = (2, 3)


def random_parameters(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    parts = torch.randn(4, *SHAPE, generator=generator, dtype=torch.float64)
    field = 200 * torch.randn(*SHAPE, generator=generator, dtype=torch.float64)
    r2star = 20 + 300 * torch.rand(*SHAPE, generator=generator, dtype=torch.float64)
    return torch.complex(parts[0], parts[1]), torch.complex(parts[2], parts[3]), field, r2star


def test_echoes_follow_the_equation(te_s: torch.Tensor) -> None:
    water, fat, field, r2star = random_parameters()
    c = SIX_PEAK.modulation(te_s, 1.5)
    echoes = synthesise(water, fat, field, r2star, te_s, c)
    assert echoes.shape == (6, *SHAPE)
    for n, t in enumerate(te_s.tolist()):
        for i in range(SHAPE[0]):
            for j in range(SHAPE[1]):
                total = complex(water[i, j]) + complex(fat[i, j]) * complex(c[n])
                turn = cmath.exp(2j * math.pi * float(field[i, j]) * t - float(r2star[i, j]) * t)
                assert abs(complex(echoes[n, i, j]) - total * turn) < 1e-12


def test_jacobian_against_automatic_differentiation(te_s: torch.Tensor) -> None:
    water, fat, field, r2star = random_parameters()
    c = SIX_PEAK.modulation(te_s, 1.5)
    given = jacobian(water, fat, field, r2star, te_s, c)

    def stacked(*p: torch.Tensor) -> torch.Tensor:
        return torch.view_as_real(synthesise(torch.complex(p[0], p[1]), torch.complex(p[2], p[3]), p[4], p[5], te_s, c))

    parameters = (water.real, water.imag, fat.real, fat.imag, field, r2star)
    derivatives = torch.autograd.functional.jacobian(stacked, tuple(p.clone() for p in parameters))
    for expected, found in zip(derivatives, given, strict=True):
        # (echo, row, column, 2, row', column'): a voxel's echoes depend on its own parameters only
        own = torch.einsum("nijcij->nijc", expected)
        assert torch.allclose(own, torch.view_as_real(found), rtol=1e-10, atol=1e-10)
        assert torch.allclose(expected.sum((-1, -2)), own, rtol=1e-10, atol=1e-10)


def test_single_precision_and_double_agree(te_s: torch.Tensor) -> None:
    water, fat, field, r2star = random_parameters()
    c = SIX_PEAK.modulation(te_s, 3.0)
    double = synthesise(water, fat, field, r2star, te_s, c)
    single = synthesise(water.to(torch.complex64), fat.to(torch.complex64), field.float(), r2star.float(), te_s, c)
    assert single.dtype == torch.complex64
    assert torch.allclose(single, double.to(torch.complex64), atol=1e-4)
