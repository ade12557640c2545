"""CMake installs the extension so that every shipped file is found: run with a stand-in for Slicer's build macros."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from paths import ROOT

MODULES = "lib/Slicer-5.10/qt-scripted-modules"

SLICER_CONFIG = f"""
set(Slicer_USE_FILE "${{CMAKE_CURRENT_LIST_DIR}}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${{CMAKE_CURRENT_LIST_DIR}}/Nothing.cmake")
set(Slicer_EXTENSION_CPACK "${{CMAKE_CURRENT_LIST_DIR}}/Nothing.cmake")
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "{MODULES}")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "{MODULES}")
"""

USE_SLICER = """
# As Slicer's own: scripts and resources are copied below the build tree, and that folder is installed as it is.
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(MY_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "Unknown keywords: ${MY_UNPARSED_ARGUMENTS}")
  endif()
  set(there "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${file}" "${there}/${file}" COPYONLY)
  endforeach()
  install(DIRECTORY "${there}/" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}" COMPONENT RuntimeLibraries)
endmacro()
"""

LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
import AIDEALLib
from AIDEALLib.models import load_networks
from AIDEALLib.io.load import load_series
from AIDEALLib.resources import resource
load_networks("cpu")
print(json.dumps({
    "package": AIDEALLib.__file__,
    "models": str(resource("Models", "models.json")),
    "echoes": load_series(resource("SampleData", "synthetic_liver")).n_echoes,
    "truth": str(resource("SampleData", "synthetic_liver_truth", "truth.npz")),
    "ui": str(resource("UI", "AIDEAL.ui")),
}))
"""


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the installed module."""
    cmake = shutil.which("cmake")
    if cmake is None or shutil.which("c++") is None:
        pytest.skip("cmake or a compiler is not on this machine: the install rules were not run")
    folder = tmp_path_factory.mktemp("install")
    config = folder / "slicer"
    config.mkdir()
    (config / "SlicerConfig.cmake").write_text(SLICER_CONFIG)
    (config / "UseSlicer.cmake").write_text(USE_SLICER)
    (config / "Nothing.cmake").write_text("")
    generator = ["-G", "Ninja"] if shutil.which("ninja") and not shutil.which("make") else []
    run(cmake, "-S", ROOT, "-B", folder / "build", f"-DSlicer_DIR={config}", *generator)
    run(cmake, "--install", folder / "build", "--prefix", folder / "prefix", "--component", "RuntimeLibraries")
    return folder / "prefix" / MODULES


def test_everything_shipped_arrives(installed: Path) -> None:
    there = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    module, top = ROOT / "AIDEAL", ROOT / "Resources"
    folders = [(module, module / "Resources"), (ROOT, top / "Models"), (ROOT, top / "SampleData")]
    resources = {p.relative_to(base).as_posix() for base, folder in folders for p in folder.rglob("*") if p.is_file()}
    assert resources | {"AIDEAL.py", "AIDEALLib/mrml/widget.py", "AIDEALLib/worker/server.py"} <= there
    assert not {path for path in there if path.startswith(("AIDEALLib/training", "AIDEALLib/cli", "AIDEALLib/simulation"))}
    assert {path.name for path in installed.glob("*.py")} == {"AIDEAL.py"}


def test_the_installed_package_finds_its_files_and_runs_alone(installed: Path) -> None:
    found = json.loads(run(sys.executable, "-W", "ignore", "-c", LOOK, installed))
    assert Path(found["package"]).parent == installed / "AIDEALLib", "not the source tree"
    for name in ("models", "truth", "ui"):
        assert Path(found[name]).is_relative_to(installed), found[name]
    assert found["echoes"] == 6


def test_every_installed_module_finds_what_it_imports(installed: Path) -> None:
    """Modules that are shipped import only modules that are shipped."""
    names = [
        ".".join(path.relative_to(installed).with_suffix("").parts)
        for path in sorted((installed / "AIDEALLib").rglob("*.py"))
        if "mrml" not in path.parts and path.name != "__init__.py"
    ]
    code = (
        f"import sys, importlib; sys.path.insert(0, {str(installed)!r})\nfor name in {names!r}: importlib.import_module(name)"
    )
    run(sys.executable, "-W", "ignore", "-c", code)
