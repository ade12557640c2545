"""Functions compiled for the CPU give what the interpreter gives."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch

from AIDEALLib.estimation.voxelwise import candidates, gauss_newton
from AIDEALLib.physics.closed_form_fit import fitted_values, fitted_without_interpreter
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.torch_script import without_interpreter
from AIDEALLib.physics.variable_projection import EchoBasis, SplitEchoes

VOXELS = 50


@pytest.fixture
def basis(te_s: torch.Tensor) -> EchoBasis:
    return EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))


@pytest.fixture
def echoes(te_s: torch.Tensor) -> torch.Tensor:
    return torch.randn(len(te_s), VOXELS, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("lost", [False, True])
def test_compiled_fit_is_that_of_the_interpreter(basis: EchoBasis, echoes: torch.Tensor, lost: bool) -> None:
    field, r2star = torch.linspace(-200, 200, VOXELS), torch.linspace(-50, 600, VOXELS)
    loss = torch.linspace(0.5, 1.0, echoes.numel()).reshape(echoes.shape) if lost else None
    arguments = field, r2star, SplitEchoes.of(echoes).tensors, basis.tensors
    interpreted = fitted_values(*arguments, loss)
    compiled = fitted_without_interpreter(*arguments, loss)
    for a, b in zip(interpreted, compiled, strict=True):
        torch.testing.assert_close(a, b)
    pull = [torch.zeros(VOXELS), torch.full((VOXELS,), 1e-3), torch.full((VOXELS,), 40.0), torch.full((VOXELS,), 1e-4)]
    stepped = [
        step(*arguments, pull, 3, (-100.0, 1500.0), loss)
        for step in (gauss_newton._stepped, gauss_newton._stepped_without_interpreter)
    ]
    for a, b in zip(*stepped, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-3)


def test_compiled_search_is_that_of_the_interpreter(basis: EchoBasis, echoes: torch.Tensor) -> None:
    rows = torch.randn(2, 4, 2 * len(echoes), generator=torch.Generator().manual_seed(2))
    arguments = torch.linspace(-200, 200, VOXELS), echoes, basis.tau_s, *rows
    torch.testing.assert_close(candidates._explained(*arguments), candidates._explained_without_interpreter(*arguments))


def test_other_devices_run_the_function_itself() -> None:
    interpreted = []

    def twice(x: torch.Tensor) -> torch.Tensor:
        if not torch.jit.is_scripting():
            interpreted.append(x.device.type)
        return 2 * x

    doubled = without_interpreter(twice)
    assert doubled(torch.ones(3)).tolist() == [2.0, 2.0, 2.0]
    assert doubled(torch.ones(3, device="meta")).shape == (3,)
    assert interpreted == ["meta"]


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
def test_users_are_not_told_of_the_end_of_torchscript(monkeypatch: pytest.MonkeyPatch, category: type[Warning]) -> None:
    def announcing(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        warnings.warn("`torch.jit.script` is deprecated.", category, stacklevel=2)
        return function

    monkeypatch.setattr(torch.jit, "script", announcing)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert without_interpreter(torch.neg)(torch.ones(1)).item() == -1
    assert not shown
