"""The extension's descriptions say the same, and everything shipped into Slicer is listed for packaging."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from paths import MODULE, ROOT

NOT_SHIPPED = (
    "AIDEALLib/benchmark/",
    "AIDEALLib/cli/",
    "AIDEALLib/cohort/",
    "AIDEALLib/scan_run/",
    "AIDEALLib/simulation/",
    "AIDEALLib/training/",
    "AIDEALLib/validation/",
)
SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"


def cmake_strings(path: Path) -> dict[str, str]:
    return dict(re.findall(r'set\((\w+) "([^"]*)"\)', path.read_text(encoding="utf-8")))


def cmake_list(path: Path, name: str) -> list[str]:
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    found = re.search(rf"set\({name}\s([^)]*)\)", text)
    assert found, f"{path} has no list {name}"
    return [entry.replace("${MODULE_NAME}", "AIDEAL") for entry in found[1].split()]


@pytest.fixture
def extension() -> dict[str, str]:
    return cmake_strings(ROOT / "CMakeLists.txt")


@pytest.fixture
def s4ext() -> dict[str, str]:
    lines = (ROOT / "AIDEAL.s4ext").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition(" ") for line in lines if line.strip() and not line.startswith("#")]
    assert len({key for key, _, _ in pairs}) == len(pairs), "a keyword is given twice"
    return {key: value.strip() for key, _, value in pairs}


@pytest.fixture
def catalog() -> dict[str, object]:
    entry = json.loads((ROOT / "AIDEAL.json").read_text(encoding="utf-8"))
    assert isinstance(entry, dict)
    return entry


def test_s4ext_says_what_cmake_says(s4ext: dict[str, str], extension: dict[str, str]) -> None:
    for keyword, variable in {
        "homepage": "EXTENSION_HOMEPAGE",
        "category": "EXTENSION_CATEGORY",
        "contributors": "EXTENSION_CONTRIBUTORS",
        "description": "EXTENSION_DESCRIPTION",
        "iconurl": "EXTENSION_ICONURL",
        "screenshoturls": "EXTENSION_SCREENSHOTURLS",
        "depends": "EXTENSION_DEPENDS",
    }.items():
        assert s4ext[keyword] == extension[variable], keyword


def test_catalog_entry_says_what_s4ext_says(s4ext: dict[str, str], catalog: dict[str, object]) -> None:
    assert catalog["$schema"] == SCHEMA
    allowed = {"$schema", "category", "scm_url", "scm_revision", "scm_type", "build_dependencies", "build_subdirectory"}
    assert set(catalog) <= allowed | {"dicom_support_rule", "enabled", "tier"}
    assert catalog["category"] == s4ext["category"]
    assert (catalog["scm_type"], catalog["scm_url"], catalog["scm_revision"]) == (
        s4ext["scm"],
        s4ext["scmurl"],
        s4ext["scmrevision"],
    )
    assert catalog["build_dependencies"] == s4ext["depends"].split()
    assert catalog["build_subdirectory"] == s4ext["build_subdirectory"]
    tier = catalog["tier"]
    assert isinstance(tier, int)
    assert 1 <= tier <= 5


def test_index_rules(extension: dict[str, str]) -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert extension["EXTENSION_CATEGORY"] == "Quantification"
    assert "2025/0102607" in extension["EXTENSION_DESCRIPTION"], "known patents must be named"
    homepage = extension["EXTENSION_HOMEPAGE"]
    repository = homepage.removeprefix("https://github.com/")
    for variable in ("EXTENSION_ICONURL", "EXTENSION_SCREENSHOTURLS"):
        assert extension[variable].startswith(f"https://raw.githubusercontent.com/{repository}/main/")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for said in ("10.1016/j.media.2025.103811", "2025/0102607", "Research use only"):
        assert said in readme, f"README.md does not mention {said}"


def explain(difference: set[str], what: str) -> str:
    return f"{what}:\n" + "\n".join(f"  {entry}" for entry in sorted(difference))


def test_every_shipped_script_is_listed() -> None:
    listed = cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_SCRIPTS")
    there = {str(path.relative_to(MODULE).as_posix()) for path in MODULE.rglob("*.py")}
    shipped = {path for path in there if not path.startswith(NOT_SHIPPED)}
    assert len(set(listed)) == len(listed), "a script is listed twice"
    assert shipped <= set(listed), explain(shipped - set(listed), "add to MODULE_PYTHON_SCRIPTS in AIDEAL/CMakeLists.txt")
    assert set(listed) <= shipped, explain(set(listed) - shipped, "listed, but not in the tree or not to be shipped")


def test_every_resource_is_listed() -> None:
    listed = set(cmake_list(MODULE / "CMakeLists.txt", "MODULE_PYTHON_RESOURCES"))
    places = (MODULE / "Resources", MODULE / "AIDEALLib" / "report" / "templates")
    there = {str(p.relative_to(MODULE).as_posix()) for place in places for p in place.rglob("*") if p.is_file()}
    assert there == listed, explain(there ^ listed, "differs between the tree and MODULE_PYTHON_RESOURCES")


def test_every_model_is_listed() -> None:
    folder = ROOT / "Resources" / "Models"
    listed = set(cmake_list(MODULE / "CMakeLists.txt", "BUNDLED_MODELS"))
    there = {str(p.relative_to(folder).as_posix()) for p in folder.rglob("*") if p.is_file()}
    assert there == listed, explain(there ^ listed, "differs between Resources/Models and BUNDLED_MODELS")


def test_every_sample_file_is_listed_and_small() -> None:
    folder = ROOT / "Resources" / "SampleData"
    listed = set(cmake_list(MODULE / "CMakeLists.txt", "BUNDLED_SAMPLE_DATA"))
    files = [p for p in folder.rglob("*") if p.is_file()]
    there = {str(p.relative_to(folder).as_posix()) for p in files}
    assert there == listed, explain(there ^ listed, "differs between Resources/SampleData and BUNDLED_SAMPLE_DATA")
    assert sum(p.stat().st_size for p in files) < 6_000_000


def test_only_the_module_file_stands_beside_the_package() -> None:
    # Slicer takes every .py file in a module's folder for a module.
    assert {path.name for path in MODULE.glob("*.py")} <= {"AIDEAL.py"}
