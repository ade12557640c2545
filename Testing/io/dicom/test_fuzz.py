"""A thousand damaged scans: the DICOM reader answers with its own errors only.

The nightly run is `python Testing/tools/dicom_fuzz.py --cases 100000`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from dicom_fuzz import Files, damaged, originals, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.fixture(scope="module")
def scans() -> list[Files]:
    return originals()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "scan"


def test_undamaged_scans_load(scans: list[Files], folder: Path) -> None:
    assert {outcome(scan, folder) for scan in scans} == {"loaded"}


@settings(max_examples=1000, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**32))
def test_damaged_scans(scans: list[Files], folder: Path, number: int) -> None:
    files = damaged(scans, number)
    assert outcome(files, folder)
