"""Slices that a user chooses are estimated, the others are not, and the grid stays that of the scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from faults import clean_scan

from AIDEALLib.errors import InputError
from AIDEALLib.estimation.slice_choice import chosen_slices, with_slices
from AIDEALLib.options import RunOptions
from AIDEALLib.pipeline import run

if TYPE_CHECKING:
    from AIDEALLib.echoes import EchoSeries


@pytest.mark.parametrize(
    ("text", "slices"),
    [
        ("", range(10)),
        ("3-6", range(2, 6)),
        ("3 - 6", range(2, 6)),
        ("8-", (7, 8, 9)),
        ("-2", (0, 1)),
        ("4", (3,)),
        ("1-2, 9", (0, 1, 8)),
        ("9 1\u20132", (0, 1, 8)),
    ],
)
def test_ranges_are_understood(text: str, slices: tuple[int, ...]) -> None:
    assert chosen_slices(text, 10) == list(slices)


@pytest.mark.parametrize("text", ["0-3", "3-11", "6-3", "a-b", "1-2-3", "1.5", "-", "12"])
def test_what_is_no_slice_of_the_scan_is_an_error(text: str) -> None:
    with pytest.raises(InputError, match="Slices are"):
        chosen_slices(text, 10)


@pytest.fixture(scope="module")
def clean() -> EchoSeries:
    return clean_scan()[0]


def test_left_out_slices_are_empty_and_the_scan_is_the_same(clean: EchoSeries) -> None:
    chosen = with_slices(clean, "2")
    assert chosen.checksum == clean.checksum and chosen.shape == clean.shape
    assert not chosen.echoes[:, 0].any() and np.array_equal(chosen.echoes[:, 1], clean.echoes[:, 1])
    assert with_slices(clean, "1-2") is clean


def test_a_run_estimates_the_chosen_slices_alone(clean: EchoSeries) -> None:
    outcome = run(clean, RunOptions(device="cpu", slices="2"))
    assert not outcome.maps.mask[0].any() and outcome.maps.mask[1].any()
    assert outcome.maps.provenance.options["run"]["slices"] == "2"
    assert outcome.quality is not None and outcome.quality.codes() == set()
