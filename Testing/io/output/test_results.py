"""What a run has written is read back as it was."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from AIDEALLib.echoes import Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.io.output.results import is_result, read_maps, read_table
from AIDEALLib.io.output.save import save_maps
from AIDEALLib.io.output.tables import save_table
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.statistics import Measuring, region_statistics

SHAPE = (2, 5, 6)


@pytest.fixture
def maps() -> ParameterMaps:
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(0, 3, SHAPE).astype(np.float32) for name in MAP_INFO}
    mask = rng.random(SHAPE) > 0.3
    provenance = Provenance(
        "1", "refined", "cpu", "2", (0.001, 0.002), 1.5, {"name": "x"}, {"a": "b"}, "as given", "monopolar", (1.0, 2.0)
    )
    geometry = Geometry((2.0, 3.0, 8.0), (1.0, -2.0, 3.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    return ParameterMaps(**arrays, mask=mask, geometry=geometry, provenance=provenance)


def test_maps_come_back(maps: ParameterMaps, tmp_path: Path) -> None:
    save_maps(maps, tmp_path / "out")
    assert is_result(tmp_path / "out")
    found = read_maps(tmp_path / "out")
    for name, array in maps.items():
        assert np.array_equal(getattr(found, name), array)
    assert np.array_equal(found.mask, maps.mask)
    assert found.geometry == maps.geometry
    assert found.provenance == maps.provenance


def test_table_comes_back(maps: ParameterMaps, tmp_path: Path) -> None:
    rows = [
        region_statistics(maps, np.ones(SHAPE, bool), "Liver, right", Measuring(0.1)),
        region_statistics(maps, np.zeros(SHAPE, bool), "empty", Measuring(0.1)),
    ]
    save_table(rows, tmp_path / "statistics.csv", {"note": "x"})
    for found, given in zip(read_table(tmp_path / "statistics.csv"), rows, strict=True):
        for entry in fields(given):
            one, other = getattr(found, entry.name), getattr(given, entry.name)
            assert one == other or (math.isnan(one) and math.isnan(other)), entry.name


@pytest.mark.parametrize("name", ["=cmd|x", "'=1", "#1 lobe", 'a,"b"', "'quoted'", "@"])
def test_names_come_back_from_a_table(maps: ParameterMaps, tmp_path: Path, name: str) -> None:
    save_table([region_statistics(maps, maps.mask, name, Measuring(0.1))], tmp_path / "statistics.csv", {"note": "x"})
    assert [row.name for row in read_table(tmp_path / "statistics.csv")] == [name]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("options", 3),
        ("options", {"run": {"method": "x"}}),
        ("te_s", ["a", "b"]),
        ("noise_correlation", [[1, 2], [3]]),
        ("model_spread", {"pdff": "x"}),
        ("models", {"G_phi": 3}),
        ("notes", [None]),
        ("seconds", {"reading": True}),
    ],
)
def test_a_damaged_provenance_is_refused(maps: ParameterMaps, tmp_path: Path, key: str, value: object) -> None:
    save_maps(maps, tmp_path / "out")
    file = tmp_path / "out" / "provenance.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
    with pytest.raises(InputError, match=r"provenance\.json could not be read"):
        read_maps(tmp_path / "out")


def test_an_interrupted_result_is_finished_before_it_is_read(maps: ParameterMaps, tmp_path: Path) -> None:
    out = tmp_path / "out"
    save_maps(maps, out)
    second = replace(maps, provenance=replace(maps.provenance, scan="second"), pdff=maps.pdff + 1)
    save_maps(second, out / ".aideal-run-x")
    listed = json.loads((out / ".aideal-run-x" / "files.json").read_text(encoding="utf-8"))
    (out / "files.json").write_text(json.dumps(listed | {"folder": ".aideal-run-x", "replaces": []}), encoding="utf-8")
    found = read_maps(out)
    assert found.provenance.scan == "second" and np.array_equal(found.pdff, second.pdff)
    assert not (out / ".aideal-run-x").exists()


def test_other_folders_and_tables_are_refused(tmp_path: Path) -> None:
    assert not is_result(tmp_path)
    with pytest.raises(InputError, match="provenance"):
        read_maps(tmp_path)
    (tmp_path / "statistics.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="could not be read"):
        read_table(tmp_path / "statistics.csv")
