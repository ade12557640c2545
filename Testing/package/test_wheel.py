"""A wheel has the networks and runs without a source tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zipfile import ZipFile

import pytest
from paths import ROOT

SETUPTOOLS = 77
RUN_DEMO = """
import sys
import AIDEALLib
from AIDEALLib.cli.main import app
from AIDEALLib.model_files import model_directory
print(AIDEALLib.__file__, model_directory(), sep="\\n", flush=True)
app(sys.argv[1:])
"""


def done(*command: str | Path, folder: Path, **environment: str) -> str:
    result = subprocess.run(
        [str(part) for part in command], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def pip() -> tuple[str, ...]:
    """Command line of pip; skips where the tools that build a wheel without network are absent."""
    try:
        found = version("setuptools")
        version("pip")
    except PackageNotFoundError as error:
        pytest.skip(f"{error.name} is not installed here")
    if int(found.split(".")[0]) < SETUPTOOLS:
        pytest.skip(f"setuptools is {found}; {SETUPTOOLS} or later builds the wheel")
    return (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-cache-dir")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy of the tracked files, so that nothing built before takes part and nothing is left in the tree."""
    if not (shutil.which("git") and (ROOT / ".git").exists()):
        pytest.skip("the tracked files are listed by git, from a checkout")
    folder = tmp_path_factory.mktemp("source")
    for name in done("git", "ls-files", "-z", folder=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(pip: tuple[str, ...], source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source, folder=folder)
    (file,) = folder.glob("*.whl")
    return file


def test_contents(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    models = {f"AIDEALLib/Resources/Models/{path.name}" for path in (ROOT / "Resources" / "Models").iterdir()}
    assert models | {"AIDEALLib/py.typed", "AIDEALLib/cli/main.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"AIDEALLib", "aideal"}


def test_runs_alone(pip: tuple[str, ...], wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    done(*pip, "install", "--no-deps", "--no-index", "--target", installed, wheel, folder=tmp_path)
    demo = ("demo", "--slices", "2", "--matrix", "64", "--method", "one-shot", "--device", "cpu", "--out", tmp_path / "out")
    printed = done(sys.executable, "-c", RUN_DEMO, *demo, folder=tmp_path, PYTHONPATH=str(installed)).splitlines()
    assert Path(printed[0]).parent == installed / "AIDEALLib"
    assert Path(printed[1]) == installed / "AIDEALLib" / "Resources" / "Models"
    assert (tmp_path / "out" / "pdff.nrrd").is_file()
