"""Files and folders are written whole, and nothing is left of a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from AIDEALLib.errors import InputError
from AIDEALLib.io.output.staging import staged_directory, staged_file


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    def break_off() -> None:
        with staged_directory(tmp_path / "out") as stage:
            (stage / "pdff.nrrd").touch()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        break_off()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        break_off()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")

    def break_off() -> None:
        with staged_file(path) as partial:
            partial.write_text("ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        break_off()
    assert path.read_text() == "old"
    with staged_file(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
