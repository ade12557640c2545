"""Who may know whom: the walls between the rooms of the house, read off the imports."""

from __future__ import annotations

import pytest
from imports import MODULES, imports, loaded_with, room

BASICS = {"advice", "choices", "errors", "escaping", "options", "echo_checks", "echoes", "parameter_maps", "progress"}
BASICS |= {"stopwatch", "threads", "version"}
MAY_KNOW: dict[str, set[str]] = {
    "advice": set(),
    "choices": set(),
    "errors": {"advice"},
    "escaping": set(),
    "threads": set(),
    "version": set(),
    "options": {"advice", "choices", "errors"},
    "echo_checks": {"advice", "errors"},
    "echoes": {"choices", "echo_checks", "errors"},
    "progress": {"echoes"},
    "stopwatch": set(),
    "parameter_maps": {"errors", "echoes"},
    "statistics": BASICS,
    "regions": BASICS | {"statistics"},
    "comparison": BASICS | {"statistics", "regions", "io", "report"},
    "resources": {"errors"},
    "voxel_fit": BASICS,
    "physics": {"errors"},
    "script_check": {"errors", "escaping"},
    "scratch": set(),
    "model_files": {"errors", "resources", "script_check"},
    "models": {"advice", "errors", "model_files", "physics", "script_check"},
    "io": BASICS | {"scratch", "statistics"},
    "estimation": BASICS | {"models", "physics"},
    "quality": BASICS | {"statistics", "model_files", "models", "physics", "estimation"},
    "report": BASICS | {"statistics", "voxel_fit", "io", "quality"},
    "pipeline": BASICS | {"models", "physics", "io", "estimation", "quality"},
    "scan_run": BASICS | {"statistics", "regions", "models", "physics", "io", "estimation", "quality", "report", "pipeline"},
    "cohort": BASICS
    | {"statistics", "regions", "models", "model_files", "physics", "io", "estimation", "quality", "report", "pipeline"}
    | {"scan_run", "worker"},
    "simulation": BASICS | {"physics"},
    "training": BASICS | {"resources", "model_files", "models", "io", "physics", "estimation", "simulation"},
    "validation": BASICS
    | {"statistics", "regions", "comparison", "models", "physics", "io", "estimation", "quality", "pipeline", "simulation"}
    | {"report"},
    "worker": BASICS | {"scratch", "statistics", "models", "physics", "io", "estimation", "quality", "pipeline"},
    "benchmark": BASICS
    | {"resources", "model_files", "models", "physics", "io", "estimation", "quality", "pipeline", "simulation", "training"}
    | {"validation", "worker"},
    "mrml": BASICS | {"statistics", "regions", "comparison", "report", "resources", "voxel_fit", "io", "worker"},
    "cli": BASICS
    | {"statistics", "models", "physics", "io", "estimation", "quality", "pipeline", "simulation", "training", "validation"}
    | {"benchmark", "regions", "comparison", "report", "scan_run", "scratch", "model_files", "cohort"},
}
"""Rooms by what each may import; a new room has to be entered here."""

SHARED = {"nodes", "signal", "text", "volumes", "wording", "worker_interface"}
MAY_KNOW_IN_MRML: dict[str, set[str]] = {
    "signal": set(),
    "text": set(),
    "wording": set(),
    "volumes": set(),
    "nodes": set(),
    "worker_interface": set(),
    "torch_installation": SHARED,
    "liver_segmenter": SHARED,
    "regions": SHARED,
    "scan": SHARED | {"regions"},
    "views": SHARED | {"regions", "scan"},
    "results": SHARED | {"regions", "scan", "views"},
    "logic": SHARED | {"regions", "scan", "views", "results"},
    "run_options": SHARED | {"scan"},
    "parameters": SHARED | {"views", "run_options"},
    "panels": SHARED
    | {"regions", "scan", "views", "results", "logic", "run_options", "parameters", "torch_installation"}
    | {"liver_segmenter"},
    "widget": SHARED | {"scan", "logic", "parameters", "panels", "liver_segmenter"},
    "self_test": SHARED | {"regions", "scan", "views", "results", "torch_installation"},
    "plugins": SHARED | {"regions", "scan", "logic"},
}
"""Parts of the room of the Slicer module, from the bottom up; each may import only parts before it."""

FILES_AND_SCREENS = {"SimpleITK", "nibabel", "pydicom", "slicer", "qt", "ctk", "vtk", "mrml", "matplotlib"}
MUST_NOT_IMPORT: dict[str, set[str]] = {
    "physics": FILES_AND_SCREENS,
    "estimation": FILES_AND_SCREENS,
    "models": FILES_AND_SCREENS,
    "choices": FILES_AND_SCREENS | {"torch", "numpy"},
    "options": FILES_AND_SCREENS | {"torch", "numpy"},
    "echo_checks": FILES_AND_SCREENS | {"torch"},
    "echoes": FILES_AND_SCREENS | {"torch"},
    "parameter_maps": FILES_AND_SCREENS | {"torch"},
    "statistics": FILES_AND_SCREENS | {"torch", "scipy"},
    "regions": FILES_AND_SCREENS | {"torch"},
    "comparison": {"torch", "slicer", "qt", "ctk", "vtk"},
    "voxel_fit": FILES_AND_SCREENS | {"torch", "scipy"},
    "io": {"torch", "slicer", "qt", "ctk", "vtk"},
    "report": {"torch", "slicer", "qt", "ctk", "vtk"},
    "mrml": {"torch"},
}
NO_TORCH_IN_SLICER = (
    "echoes",
    "parameter_maps",
    "advice",
    "choices",
    "errors",
    "options",
    "progress",
    "stopwatch",
    "statistics",
    "regions",
    "resources",
    "voxel_fit",
    "io",
    "report",
    "mrml",
    "worker.client",
)


def test_the_scan_sees_what_is_there() -> None:
    own, foreign = imports("estimation.estimate")
    assert {"echoes", "models", "errors", "physics.spectrum", "estimation.methods.registry"} <= own
    assert {"numpy", "torch"} <= foreign
    assert "SimpleITK" in imports("io.output.save")[1]
    assert "SimpleITK" not in imports("io.output.save", at_load=True)[1]
    assert "torch" in loaded_with("estimation.estimate")[1]


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_downward_only(module: str) -> None:
    assert room(module) in MAY_KNOW, f"enter the room '{room(module)}' into MAY_KNOW"
    own, foreign = imports(module)
    allowed = MAY_KNOW[room(module)] | {room(module)}
    upward = {m for m in own if room(m) not in allowed}
    assert not upward, f"{module} imports {sorted(upward)}; {room(module)} may know {sorted(allowed)}"
    forbidden = foreign & MUST_NOT_IMPORT.get(room(module), set())
    assert not forbidden, f"{module} imports {sorted(forbidden)}"


def test_rooms_form_no_circle() -> None:
    rank: dict[str, int] = {}
    left = dict(MAY_KNOW)
    while left:
        ready = [name for name, below in left.items() if below <= rank.keys()]
        assert ready, f"a circle among {sorted(left)}"
        for name in ready:
            rank[name] = len(rank)
            del left[name]


def test_parts_of_the_slicer_module_import_downward_only() -> None:
    below: set[str] = set()
    for part, known in MAY_KNOW_IN_MRML.items():
        assert known <= below, f"{part} may know {sorted(known - below)}, which stand above it"
        below.add(part)
    for module in (m for m in MODULES if m.startswith("mrml.")):
        part = module.split(".")[1]
        assert part in MAY_KNOW_IN_MRML, f"enter '{part}' into MAY_KNOW_IN_MRML"
        own = {other.split(".")[1] for other in imports(module)[0] if other.startswith("mrml.")}
        upward = own - MAY_KNOW_IN_MRML[part] - {part}
        assert not upward, f"{module} imports {sorted(upward)}"


def test_modules_form_no_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in done:
            return
        for below in sorted(imports(module)[0]):
            if below in MODULES:
                visit(below, (*path, module))
        done.add(module)

    for module in MODULES:
        visit(module, ())
    assert done == set(MODULES)


@pytest.mark.parametrize("name", NO_TORCH_IN_SLICER)
def test_slicer_process_loads_no_torch(name: str) -> None:
    inside = [m for m in MODULES if m == name or m.startswith(name + ".")]
    for module in inside:
        own, foreign = loaded_with(module)
        assert "torch" not in foreign, f"loading {module} loads torch, through {sorted(own)}"
