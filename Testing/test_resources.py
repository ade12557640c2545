"""Shipped files are found in a wheel, in an installed extension and in the source tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from AIDEALLib import resources
from AIDEALLib.resources import ResourceMissing, resource


def test_places_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "AIDEAL" / "AIDEALLib"
    monkeypatch.setattr(resources, "PACKAGE", package)
    with pytest.raises(ResourceMissing, match=r"SampleData/x\.nrrd was not found; .* Reinstall") as caught:
        resource("SampleData", "x.nrrd")
    folders = caught.value.folders
    assert folders == tuple(root / "Resources" / "SampleData" for root in (package, package.parent, tmp_path))
    for folder in reversed(folders):
        folder.mkdir(parents=True)
        (folder / "x.nrrd").touch()
        assert resource("SampleData", "x.nrrd") == folder / "x.nrrd"
