"""A slice that is swapped against a surer neighbour is estimated again; all others keep their maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.errors import Cancelled
from AIDEALLib.estimation import adjoining_slices as module
from AIDEALLib.estimation.adjoining_slices import FieldBeside, SliceStack
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.held_out import held_out_case
from AIDEALLib.simulation.protocol import PAPER, Protocol, echo_times
from AIDEALLib.validation.voxels import LIVER, Voxels

SCAN = Scan.of(torch.tensor(PAPER.te_s, dtype=torch.float64), 1.5, SIX_PEAK)
REGION = np.s_[8:20, 8:20]
SLICES, SWAPPED = 5, (2, 3)


def stack(swapped: tuple[int, ...] = SWAPPED, rise_hz: float = 5.0) -> SliceStack:
    """Slices of 2 mm pixels whose field rises from one to the next; some are swapped in a region, and less sure."""
    field = np.zeros((SLICES, 32, 32), np.float32) + rise_hz * np.arange(SLICES, dtype=np.float32)[:, None, None]
    probability = np.full_like(field, 0.02)
    for z in swapped:
        field[z][REGION] += SCAN.fat_shift_hz
        probability[z] = 0.04
    maps = {"field": field, "swap_probability": probability}
    return SliceStack(maps, np.ones(field.shape, bool), SCAN, (2.0, 2.0, 5.0))


def correcting(slices: SliceStack, calls: list[int]) -> Callable[[int, FieldBeside], float]:
    """An estimate that takes the right field, and the doubt of the slice beside it."""

    def estimate_again(z: int, beside: FieldBeside) -> float:
        calls.append(z)
        slices.maps["field"][z] = stack(()).maps["field"][z]
        slices.maps["swap_probability"][z] = 1 - beside.weight
        return 0.5 + z

    return estimate_again


def test_swapped_slices_are_estimated_again_from_the_surer_ones_inwards() -> None:
    slices, calls = stack(), []
    assert slices.settle(correcting(slices, calls)) == {2: 2.5, 3: 3.5}
    assert sorted(calls) == [2, 3]
    np.testing.assert_array_equal(slices.maps["field"], stack(()).maps["field"])


@pytest.mark.parametrize(
    "slices",
    [
        pytest.param(stack(()), id="all agree"),
        pytest.param(stack(rise_hz=1.1 * module.TYPICAL_SHARE * SCAN.swap_hz), id="the field changes too much between slices"),
        pytest.param(replace(stack(), spacing_mm=(0.9, 0.9, 5.0)), id="the region is too small"),
    ],
)
def test_nothing_is_estimated_again_where(slices: SliceStack) -> None:
    before = {name: values.copy() for name, values in slices.maps.items()}
    assert not slices.settle(lambda *_: pytest.fail("estimated again"))
    for name, values in before.items():
        np.testing.assert_array_equal(slices.maps[name], values)


@pytest.mark.parametrize("field", ["still different", "that of its neighbour, with no less doubt"])
def test_a_slice_that_is_no_better_for_it_stays_as_it_was(field: str) -> None:
    slices, before, calls = stack(), stack(), []

    def estimate_again(z: int, beside: FieldBeside) -> float:
        calls.append(z)
        slices.maps["field"][z] += 1.0
        if field == "still different":
            slices.maps["swap_probability"][z] = 0.001
        else:
            slices.maps["field"][z] = beside.field_hz
        return 0.0

    assert not slices.settle(estimate_again)
    assert sorted(calls) == [2, 3]
    for name, values in before.maps.items():
        np.testing.assert_array_equal(slices.maps[name], values)


def test_it_can_be_cancelled() -> None:
    slices = stack()
    with pytest.raises(Cancelled):
        slices.settle(correcting(slices, []), lambda: True)


def test_a_liver_swapped_in_one_slice_is_put_right(monkeypatch: pytest.MonkeyPatch) -> None:
    protocol = Protocol("7T 3 echoes, SNR 6", echo_times(1.0, 0.6, 3), 7.0, snr=6.0)
    case = held_out_case(806, protocol, (806, 3), (6, 128, 128), 8.0)
    part = slice(1, 4)
    series = replace(case.series, echoes=case.series.echoes[:, part])
    truth = replace(
        case.truth,
        **{n: getattr(case.truth, n)[part] for n in ("proton_density", "pdff_percent", "r2star_per_s", "field_hz")},
        body=case.truth.body[part],
        labels=case.truth.labels[part],
    )

    def swapped_share() -> float:
        maps = estimate(series, RunOptions(device="cpu"), corrections=NO_CORRECTIONS)
        assert any("adjoining slice" in note for note in maps.provenance.notes) == settles
        return float(Voxels.of(maps, truth, SCAN.fat_shift_hz * 7 / 1.5).segment(*LIVER).swapped.mean())

    settles = True
    after = swapped_share()
    monkeypatch.setattr(SliceStack, "settle", lambda *_: {})
    settles = False
    assert swapped_share() > 0.2
    assert after < 0.005
