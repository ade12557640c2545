"""Scans from files: sequences over echo time, named by their series description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.tissue import TissueMaps

pytest.importorskip("slicer")


def test_files_are_loaded_as_sequences(scene: Any, small_liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    from AIDEALLib.mrml.scan.files import load_scan
    from AIDEALLib.mrml.scan.sequences import scan_of_sequences

    series = small_liver[0]
    path = tmp_path / "case.npz"
    np.savez(path, echoes=series.echoes, te_s=series.te_s, field_strength_t=series.field_strength_t)
    stored = load_scan(scene, [path])
    assert [node.GetNumberOfDataNodes() for node in stored.nodes] == [series.n_echoes] * 3
    assert scan_of_sequences(*stored.pair).problems() == []
    assert stored.first.GetName() == "case real"
    with pytest.raises(InputError):
        load_scan(scene, [tmp_path / "missing.npz"])


def test_a_folder_of_dicom_is_named_by_its_series_description(
    scene: Any, small_liver: tuple[EchoSeries, TissueMaps], tmp_path: Path
) -> None:
    from AIDEALLib.mrml.scan.files import load_scan

    files = write_scan(tmp_path / "DOE^JANE", small_liver[0], DIALECTS["siemens classic"])
    assert load_scan(scene, [tmp_path / "DOE^JANE"]).first.GetName() == "DOE^JANE real", "without a description, the folder"
    for file in files:
        header = pydicom.dcmread(file)
        header.SeriesDescription = "t1 multi-echo"
        header.save_as(file)
    name = load_scan(scene, [tmp_path / "DOE^JANE"]).first.GetName()
    assert name == "t1 multi-echo real"
