"""Shipped files are found in the source tree and in an installed extension."""

from __future__ import annotations

from pathlib import Path

import pytest

from AIDEALLib.resources import ResourceMissing, resource


def test_found_in_both_layouts(tmp_path: Path) -> None:
    source, installed = tmp_path / "source", tmp_path / "lib"
    for file, package in (
        (source / "Resources" / "SampleData" / "x.nrrd", source / "AIDEAL" / "AIDEALLib"),
        (installed / "Resources" / "SampleData" / "x.nrrd", installed / "AIDEALLib"),
    ):
        file.parent.mkdir(parents=True)
        file.touch()
        package.mkdir(parents=True)
        assert resource("SampleData", "x.nrrd", package=package) == file
    with pytest.raises(ResourceMissing, match="Reinstall"):
        resource("SampleData", "y.nrrd", package=installed / "AIDEALLib")
