"""The imports of the package, read from its source: which module imports what, directly or by loading it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from paths import PACKAGE


def modules() -> dict[str, Path]:
    """Path of every module by its dotted name inside the package; a sub-package goes by its own name, the root is left out."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name:
            found[name] = path
    return found


MODULES = modules()


def room(module: str) -> str:
    """First part of a module's name: its folder, or the module itself where it lies beside the folders."""
    return module.partition(".")[0]


@cache
def imports(module: str, at_load: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """What a module imports.

    Parameters
    ----------
    module : str
        Dotted name inside the package.
    at_load : bool
        Leave out what is imported inside functions, or for type checking only.

    Returns
    -------
    own : frozenset of str
        Modules of this package; "" is its face.
    foreign : frozenset of str
        Top-level names of other packages.
    """
    path = MODULES[module]
    here = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    own, foreign = set(), set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), at_load):
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
    return frozenset(own - {module}), frozenset(foreign)


def loaded_with(module: str) -> tuple[set[str], set[str]]:
    """Everything that loading a module loads: modules of this package, and names of other packages."""
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


def rooms() -> dict[str, set[str]]:
    """The rooms that each room imports, itself left out."""
    found: dict[str, set[str]] = {room(module): set() for module in MODULES}
    for module in MODULES:
        found[room(module)] |= {room(other) for other in imports(module)[0]} - {room(module)}
    return found


def _nodes(node: ast.AST, at_load: bool) -> list[ast.AST]:
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if at_load and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if at_load and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        found += [child, *_nodes(child, at_load)]
    return found
