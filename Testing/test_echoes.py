"""What an echo series accepts, and every reason to refuse one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries, Geometry, PhaseSign
from AIDEALLib.errors import InputError

TE = np.array([0.0013, 0.0034, 0.0055])
SHAPE = (3, 2, 4, 5)


def echoes(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def changed(change: Callable[[np.ndarray], None]) -> np.ndarray:
    array = echoes()
    change(array)
    return array


def test_accepted_as_given() -> None:
    series = EchoSeries(echoes().astype(np.complex128), list(TE), 3, phase_sign=PhaseSign.CONJUGATED)  # type: ignore[arg-type]
    assert series.echoes.dtype == np.complex64
    assert series.echoes.flags.c_contiguous
    assert series.te_s.dtype == np.float64
    assert series.shape == (2, 4, 5)
    assert series.n_echoes == 3
    assert series.field_strength_t == 3.0
    assert np.array_equal(series.conjugate().echoes, np.conj(series.echoes))
    assert series.conjugate().te_s is not None


@pytest.mark.parametrize(
    ("te", "uniform"), [([1, 2, 3, 4], True), ([1, 2, 3.004, 4], True), ([1, 2, 3.1, 4], False), ([1, 2, 4], False)]
)
def test_uniform_spacing(te: list[float], uniform: bool) -> None:
    series = EchoSeries(echoes((len(te), 1, 4, 4)), np.array(te) / 1000, 1.5)
    assert series.uniform_spacing is uniform


@pytest.mark.parametrize(
    ("te", "said"),
    [
        ([0.001, 0.002], "Found 2 echo time"),
        ([], "Found 0 echo time"),
        ([[0.001, 0.002, 0.003]], "at least 3 echoes"),
        ([0.0, 0.001, 0.002], "must be positive"),
        ([-0.001, 0.001, 0.002], "must be positive"),
        ([0.001, np.nan, 0.003], "positive and finite"),
        ([0.001, np.inf, 0.003], "positive and finite"),
        ([1.3, 3.4, 5.5], "look like milliseconds.*Multiply them by 0.001"),
        ([1300, 3400, 5500], "look like microseconds.*Multiply them by 1e-06"),
        ([0.0013, 3.4, 5.5], "seconds were expected"),
        ([0.001, 0.003, 0.002], "must rise.*Sort"),
        ([0.001, 0.002, 0.002], "Echoes 2 and 3 share the echo time 0.002 s"),
        ([0.001, 0.002, 0.003, 0.004], "3 echo images but 4 echo times"),
    ],
)
def test_echo_times_refused(te: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        EchoSeries(echoes(), np.array(te), 1.5)


@pytest.mark.parametrize("field_t", [0.0, -1.5, 0.01, 15.0, 15000.0, np.nan, np.inf])
def test_field_strength_refused(field_t: float) -> None:
    with pytest.raises(InputError, match="Field strength is .* in tesla between"):
        EchoSeries(echoes(), TE, field_t)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (echoes((3, 4, 5)), r"shape \(3, 4, 5\); \(echo, slice, row, column\)"),
        (echoes((3, 1, 0, 5)), "none of them empty"),
        (echoes((4, 2, 4, 5)), "Found 4 echo images but 3"),
        (echoes().real - 10, "real .* with values below 0"),
        (changed(lambda a: a.__setitem__((1, 0, 0, slice(0, 2)), np.nan)), r"Echo 2 has 2 voxel\(s\) that are NaN"),
        (changed(lambda a: a.__setitem__((2, 0, 0, 0), complex(0, np.inf))), "Echo 3 has 1 voxel"),
        (changed(lambda a: a.__setitem__(0, 0)), "Echo 1 is zero in every voxel"),
        (np.zeros(SHAPE, np.complex64), "zero in every voxel"),
    ],
)
def test_echoes_refused(array: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        EchoSeries(array, TE, 1.5)


def test_magnitudes_are_held_without_phase() -> None:
    series = EchoSeries(np.abs(echoes()), TE, 1.5)
    assert series.echoes.dtype == np.complex64
    assert not series.has_phase
    assert EchoSeries(echoes(), TE, 1.5).has_phase
    assert EchoSeries(echoes().real - 10 + 0j, TE, 1.5).has_phase


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spacing_mm": (1.0, 0.0, 1.0)}, "three positive lengths"),
        ({"spacing_mm": (1.0, 1.0)}, "three positive lengths"),
        ({"spacing_mm": (1.0, float("nan"), 1.0)}, "three positive lengths"),
        ({"origin_mm": (0.0, float("inf"), 0.0)}, "three finite numbers"),
        ({"direction": (1.0,) * 9}, "regular 3x3 matrix"),
        ({"direction": (1.0, 0.0, 0.0, 1.0)}, "regular 3x3 matrix"),
    ],
)
def test_geometry_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Geometry(**changes)


def test_voxel_volume() -> None:
    assert Geometry(spacing_mm=(2.0, 3.0, 10.0)).voxel_volume_ml == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("te_ms", "numbers", "steps", "missing"),
    [
        ((1, 2, 3, 4), (), (0, 1, 2, 3), ()),
        ((1, 2, 4, 5), (), (0, 1, 3, 4), (3,)),
        ((1, 2, 4, 5), (1, 2, 3, 4), (0, 1, 3, 4), (3,)),  # numbered anew after one was lost
        ((1, 2, 4, 5), (1, 2, 4, 5), (0, 1, 3, 4), (3,)),
        ((1, 3, 5, 7), (1, 3, 5, 7), (0, 2, 4, 6), (2, 4, 6)),
        ((2, 3, 4, 5), (2, 3, 4, 5), (0, 1, 2, 3), (1,)),
        ((1, 2.4, 4.6, 5.5), (1, 2, 4, 5), (0, 1, 3, 4), (3,)),
        ((1, 2.4, 4.6, 5.5), (), (0, 1, 2, 3), ()),
        ((1, 2, 3, 4), (1, 2, 7, 10), (0, 1, 2, 3), (3, 4, 5, 6, 8, 9)),  # numbers of images of several kinds
    ],
)
def test_echoes_are_counted_by_times_or_numbers(
    te_ms: tuple[float, ...], numbers: tuple[int, ...], steps: tuple[int, ...], missing: tuple[int, ...]
) -> None:
    series = EchoSeries(echoes((4, 1, 4, 5)), np.array(te_ms) / 1000, 1.5, echo_numbers=numbers)
    assert series.echo_steps == steps
    assert series.missing_echoes == missing
    assert series.counted is (bool(numbers) or te_ms[1] == round(te_ms[1]))
