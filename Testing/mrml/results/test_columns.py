"""The table as it is read: few columns, and no number that contradicts its grade."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import TANG_2015

pytest.importorskip("slicer")

Drawn = tuple[Any, Any, TissueMaps]


@pytest.mark.parametrize(
    ("pdff", "shown"),
    [(11.308, "11.31"), (11.2996, "11.300"), (11.3, "11.3"), (11.24, "11.2"), (6.4, "6.4"), (17.0521, "17.05"), (22.0, "22.0")],
)
def test_a_value_at_a_cut_off_shows_on_which_side_it_is(drawn: Drawn, pdff: float, shown: str) -> None:
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results import columns

    maps, segmentation, _ = drawn
    row = replace(
        measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())[0],
        reported=pdff,
        reported_low=9.04,
        reported_high=13.0,
    )
    cells = dict(zip(map(columns.title, columns.USUAL), columns.texts(row, TANG_2015, columns.USUAL), strict=True))
    assert cells["PDFF % (95 % CI)"] == f"{shown} (9.0 to 13.0)"
    assert next(iter(cells)) == "Segment" and len(cells) == 5


def test_all_columns_are_those_of_the_csv_and_copies_are_as_shown(drawn: Drawn, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.io.output.tables import COLUMNS
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results import columns

    maps, segmentation, _ = drawn
    row = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())[0]
    assert len(columns.EVERY) == len(COLUMNS) - 2, "the interval is in one column with its PDFF"
    copied = dict(part.split(": ", 1) for part in columns.row_as_text(row, TANG_2015).split("\t"))
    assert list(copied) == list(map(columns.title, columns.EVERY))
    assert copied["PDFF mean (%)"] == f"{np.round(row.pdff_mean, 1):.1f}"
