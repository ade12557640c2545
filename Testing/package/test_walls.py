"""Who may know whom: the walls between the rooms of the house, read off the imports."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from paths import PACKAGE

BASICS = {"errors", "echoes", "parameter_maps", "methods", "presets"}
MAY_KNOW: dict[str, set[str]] = {
    "errors": set(),
    "echoes": {"errors"},
    "parameter_maps": {"errors", "echoes"},
    "statistics": BASICS,
    "methods": set(),
    "presets": set(),
    "resources": {"errors"},
    "voxel_fit": BASICS,
    "physics": {"errors"},
    "models": {"errors", "physics"},
    "io": BASICS | {"statistics"},
    "estimation": BASICS | {"models", "physics"},
    "quality": BASICS | {"statistics", "models", "physics", "estimation"},
    "simulation": BASICS | {"physics"},
    "training": BASICS | {"models", "io", "physics", "estimation", "simulation"},
    "validation": BASICS | {"statistics", "models", "physics", "io", "estimation", "simulation"},
    "benchmark": BASICS | {"methods", "models", "physics", "io", "estimation", "simulation", "validation"},
    "worker": BASICS | {"statistics", "models", "physics", "io", "estimation", "quality"},
    "mrml": BASICS | {"statistics", "resources", "voxel_fit", "io", "worker"},
    "cli": BASICS
    | {"statistics", "models", "physics", "io", "estimation", "quality", "simulation", "training", "validation"}
    | {"benchmark"},
}
"""Rooms by what each may import; a new room has to be entered here."""

FILES_AND_SCREENS = {"SimpleITK", "nibabel", "pydicom", "slicer", "qt", "ctk", "vtk", "mrml", "matplotlib"}
MUST_NOT_IMPORT: dict[str, set[str]] = {
    "physics": FILES_AND_SCREENS,
    "estimation": FILES_AND_SCREENS,
    "models": FILES_AND_SCREENS,
    "echoes": FILES_AND_SCREENS | {"torch"},
    "parameter_maps": FILES_AND_SCREENS | {"torch"},
    "statistics": FILES_AND_SCREENS | {"torch", "scipy"},
    "voxel_fit": FILES_AND_SCREENS | {"torch", "scipy"},
    "io": {"torch", "slicer", "qt", "ctk", "vtk"},
    "mrml": {"torch"},
}
NO_TORCH_IN_SLICER = (
    "echoes",
    "parameter_maps",
    "methods",
    "presets",
    "statistics",
    "resources",
    "voxel_fit",
    "io",
    "mrml",
    "worker.client",
)


def modules() -> dict[str, Path]:
    """Dotted name inside the package of every module; a package goes by its own name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    return module.partition(".")[0]


@cache
def imports(module: str, at_load: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """Modules of this package and top-level names of others that a module imports; `at_load`: only what loading it imports."""
    path = MODULES[module]
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    own, foreign = set(), set()
    for node in walk(ast.parse(path.read_text(encoding="utf-8")), at_load):
        if isinstance(node, ast.Import):
            for alias in node.names:
                inside = alias.name.removeprefix("AIDEALLib.")
                (own if inside != alias.name else foreign).add(inside if inside != alias.name else alias.name.partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = here[: len(here) - node.level + 1] + (node.module.split(".") if node.module else [])
            elif (node.module or "").partition(".")[0] == "AIDEALLib":
                base = (node.module or "").split(".")[1:]
            else:
                foreign.add((node.module or "").partition(".")[0])
                continue
            for alias in node.names:
                deeper = ".".join([*base, alias.name])
                own.add(deeper if deeper in MODULES else ".".join(base))
    return frozenset(own - {"", module}), frozenset(foreign)


def walk(node: ast.AST, at_load: bool) -> list[ast.AST]:
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if at_load and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if at_load and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        found += [child, *walk(child, at_load)]
    return found


def loaded_with(module: str) -> tuple[set[str], set[str]]:
    """Everything that loading a module loads: modules of this package, names of others."""
    own, foreign, waiting = set(), set(), [module]
    while waiting:
        current = waiting.pop()
        parents = [current.rpartition(".")[0]] if "." in current else []
        if current in own:
            continue
        own.add(current)
        here, others = imports(current, at_load=True)
        foreign |= others
        waiting += [m for m in [*here, *parents] if m in MODULES]
    return own, foreign


def test_the_scan_sees_what_is_there() -> None:
    own, foreign = imports("estimation.estimate")
    assert {"echoes", "models", "errors", "physics.spectrum", "estimation.methods.refined"} <= own
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


def test_modules_form_no_circle() -> None:
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module in done:
            return
        for below in sorted(imports(module, at_load=True)[0]):
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
