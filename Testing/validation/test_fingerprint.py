"""Stored results depend on the code that made them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from AIDEALLib.benchmark.run import SCORING
from AIDEALLib.validation.bench import SIMULATION
from AIDEALLib.validation.fingerprint import ESTIMATE, PACKAGE, code_fingerprint


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Copy of the package."""
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert code_fingerprint(package=copy) == code_fingerprint()
    return copy


@pytest.mark.parametrize("place", [*ESTIMATE, *SIMULATION, *SCORING])
def test_fingerprint_changes_with_a_file(package: Path, place: str) -> None:
    more = () if place in ESTIMATE else (place,)
    before = code_fingerprint(*more, package=package)
    file = package / place
    if file.is_dir():
        file = sorted(file.rglob("*.py"))[-1]
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{text}# changed\n", encoding="utf-8")
    assert code_fingerprint(*more, package=package) != before
    file.write_text(text, encoding="utf-8")
    assert code_fingerprint(*more, package=package) == before


def test_fingerprint_changes_with_the_name_of_a_file(package: Path) -> None:
    before = code_fingerprint(package=package)
    (package / "physics" / "spectrum.py").rename(package / "physics" / "spectrum_of_fat.py")
    assert code_fingerprint(package=package) != before


def test_fingerprint_is_that_of_the_estimate_alone(package: Path) -> None:
    before = code_fingerprint(package=package)
    (package / "cli" / "main.py").write_text("", encoding="utf-8")
    assert code_fingerprint(package=package) == before


def test_fingerprint_refuses_what_does_not_exist(package: Path) -> None:
    with pytest.raises(FileNotFoundError):
        code_fingerprint("no_module.py", package=package)
