"""Tables of scans: columns, options of single scans, and what is wrong with a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from AIDEALLib.choices import Method
from AIDEALLib.cli.cohort_options import parse_run_options
from AIDEALLib.cohort.manifest import read_manifest
from AIDEALLib.cohort.plan import own_options
from AIDEALLib.errors import InputError
from AIDEALLib.options import RunOptions


def written(folder: Path, text: str, name: str = "scans.csv") -> Path:
    (folder / "a.npz").touch()
    (folder / "b.npz").touch()
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def test_columns_and_facts(tmp_path: Path) -> None:
    head = "scan\tid\tsession\toptions\tscanner\n"
    text = head + "a.npz | b.npz\tone\ts1\t--method magnitude --te 1ms,2ms,3ms\tA\nb.npz\ttwo\tn/a\t\t\n"
    found = read_manifest(written(tmp_path, text, "scans.tsv"), parse_run_options)
    one, two = found.scans
    assert one.files == (tmp_path / "a.npz", tmp_path / "b.npz")
    assert (one.session, one.facts, two.session, two.facts) == ("s1", {"scanner": "A"}, "", {})
    options = own_options(RunOptions(device="cpu", conjugate="yes"), one.options)
    assert options.method is Method.MAGNITUDE and options.overrides.te_s == (0.001, 0.002, 0.003)
    assert options.conjugate.value == "yes" and options.device == "cpu", "what a line leaves open is that of the cohort"


def test_missing_files_are_skipped(tmp_path: Path) -> None:
    found = read_manifest(written(tmp_path, "scan,id\na.npz,one\nno.npz,two\n"), parse_run_options)
    assert [scan.id for scan in found.scans] == ["one"]
    assert "line 3" in found.skipped[0].place and "no.npz does not exist" in found.skipped[0].reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,id\na.npz,one\n", "a column 'scan'"),
        ("scan,id\na.npz,one\nb.npz,ONE\n", "Two scans have the id"),
        ("scan,id\na.npz,../one\n", "cannot name a folder"),
        ("scan,id\na.npz,\n", "neither an id nor a participant"),
        ("scan,id,options\na.npz,one,--no-such 1\n", "Line 2.*not those of a run"),
        ("scan,id,options\na.npz,one,--method sorcery\n", "Line 2.*not those of a run"),
        ("scan,id\na.npz,one,two\n", "more cells than columns"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_manifest(written(tmp_path, text), parse_run_options)
