"""Public docstrings are numpydoc: every parameter with its type, one exception an entry, every field of a data class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paths import PACKAGE

griffe = pytest.importorskip("griffe", reason="pip install mkdocstrings[python]")

SELF_EXPLANATORY = 2
"""A function of at most this many parameters may do with one line."""
FEW_FIELDS = 2
"""So may a data class of at most this many fields."""
COMMANDS = "cli"
"""Commands document their parameters in their help."""


@dataclass(frozen=True)
class Documented:
    """A public function, method or class with its docstring."""

    place: str
    node: ast.FunctionDef | ast.ClassDef
    text: str


def documented(path: Path) -> list[Documented]:
    """Public names of a module."""
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)

    def walk(body: list[ast.stmt], place: str) -> Iterator[Documented]:
        for node in body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            text = ast.get_docstring(node)
            if text is not None:
                yield Documented(f"{place}.{node.name}", node, text)
            if isinstance(node, ast.ClassDef):
                yield from walk(node.body, f"{place}.{node.name}")

    return list(walk(ast.parse(path.read_text(encoding="utf-8")).body, name))


def parameters(node: ast.FunctionDef) -> list[str]:
    """Names of the parameters, in order, without self and cls."""
    a = node.args
    ordered = [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs, *([a.kwarg] if a.kwarg else [])]
    return [x.arg for x in ordered if x.arg not in ("self", "cls")]


def data_fields(node: ast.ClassDef) -> list[str] | None:
    """Names of the fields of a data class, None for another class."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return None
    annotated = [s for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)]
    kinds = {ast.unparse(s.target): ast.unparse(s.annotation) for s in annotated}
    return [name for name, kind in kinds.items() if "ClassVar" not in kind and not name.startswith("_")]


def sections(text: str) -> dict[str, list[Any]]:
    """Entries of each section of a docstring, by the name of its kind."""
    parsed = griffe.Docstring(text).parse("numpy", warnings=False)
    return {section.kind.value: section.value for section in parsed if isinstance(section.value, list)}


def faults(found: Documented) -> list[str]:
    """What is wrong with a docstring."""
    doc = sections(found.text)
    raised = [str(entry.annotation) for entry in doc.get("raises", [])]
    wrong = [f"'{name}' in Raises is not the name of one exception" for name in raised if not name.isidentifier()]
    for kind in ("parameters", "attributes"):
        lacking = [entry.name for entry in doc.get(kind, []) if not (entry.annotation and entry.description)]
        wrong += [f"'{name}' in {kind} lacks its type or description" for name in lacking]
    if isinstance(found.node, ast.ClassDef):
        names, kind, most = data_fields(found.node), "attributes", FEW_FIELDS
    else:
        names, kind, most = parameters(found.node), "parameters", SELF_EXPLANATORY
    listed = [name.strip().lstrip("*") for entry in doc.get(kind, []) for name in entry.name.split(",")]
    if names is not None and (listed or len(names) > most) and listed != names:
        wrong.append(f"{kind} are {listed}, those of the code {names}")
    return wrong


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_docstrings_are_complete(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    if place.startswith(COMMANDS):
        pytest.skip("parameters of commands are documented in their help")
    wrong = [f"{found.place}: {fault}" for found in documented(path) for fault in faults(found)]
    assert not wrong, "\n" + "\n".join(wrong)
