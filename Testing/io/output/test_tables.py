"""Tables keep full precision, and every statistic has a column."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from AIDEALLib.errors import InputError
from AIDEALLib.io.output.tables import COLUMNS, save_table
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.statistics import Measuring, region_statistics


def test_table_keeps_full_precision_and_odd_names(tmp_path: Path, maps: ParameterMaps) -> None:
    row = region_statistics(maps, maps.mask, 'lobe "A", right\n#1', Measuring(0.015))
    empty = region_statistics(maps, np.zeros_like(maps.mask), "none", Measuring(0.015))
    save_table([row, empty], tmp_path / "statistics.csv", {"version": "0.1.0", "note": "two\nlines"})
    lines = (tmp_path / "statistics.csv").read_text(encoding="utf-8").split("\n")
    assert lines[:2] == ["# version: 0.1.0", "# note: two lines"]
    first, second = csv.DictReader("\n".join(lines[2:]).splitlines(keepends=True))
    assert list(first) == list(COLUMNS.values())
    assert first["segment"] == 'lobe "A", right\\x0a#1'
    assert float(first["pdff_mean_percent"]) == row.pdff_mean
    assert int(first["voxels"]) == row.voxels
    assert math.isnan(empty.pdff_mean)
    assert second["pdff_mean_percent"] == ""
    assert [p.name for p in tmp_path.iterdir()] == ["statistics.csv"]
    with pytest.raises(InputError, match="Cannot write"):
        save_table([row], tmp_path / "nowhere" / "statistics.csv")


def test_every_column_is_a_field_and_every_field_a_column(maps: ParameterMaps) -> None:
    row = region_statistics(maps, maps.mask, "all", Measuring(1.0))
    assert set(COLUMNS) == set(row.__dataclass_fields__)
