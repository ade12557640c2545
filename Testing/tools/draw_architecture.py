"""Draw which rooms of the package import which, into ARCHITECTURE.md: python Testing/tools/draw_architecture.py

Arrows that follow from others are left out (transitive reduction). Single files that import nothing but each other are one
box, which every room may import.
"""

from __future__ import annotations

from collections.abc import Mapping

from imports import rooms
from paths import PACKAGE, ROOT

DOCUMENT = ROOT / "ARCHITECTURE.md"
BEGIN = "<!-- rooms: written by Testing/tools/draw_architecture.py -->\n"
END = "<!-- end of rooms -->\n"


def diagram(imported: Mapping[str, set[str]]) -> str:
    """Mermaid source.

    Parameters
    ----------
    imported : Mapping[str, set of str]
        Rooms by what each imports.

    Returns
    -------
    str
        A fenced block.
    """
    shared = _shared(imported)
    left = {name: below - shared for name, below in imported.items() if name not in shared}
    lines = ["```mermaid", "graph TD"]
    lines += [f"    {name}" for name in sorted(left)]
    for name in sorted(left):
        through = set().union(*(_reached(left, below) for below in left[name])) if left[name] else set()
        lines += [f"    {name} --> {below}" for below in sorted(left[name] - through)]
    lines += [f'    shared["{_listed(sorted(shared))}"]', "```", ""]
    return "\n".join(lines)


def with_diagram(text: str, drawn: str) -> str:
    """The document with the diagram between its two marks.

    Raises
    ------
    ValueError
        The marks are missing.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name} lacks the lines {BEGIN!r} and {END!r}, between which the diagram stands.")
    return head + begin + drawn + end + tail


def _shared(imported: Mapping[str, set[str]]) -> set[str]:
    files = {name for name in imported if (PACKAGE / f"{name}.py").is_file()}
    while outside := {name for name in files if not imported[name] <= files}:
        files -= outside
    return files


def _reached(imported: Mapping[str, set[str]], name: str) -> set[str]:
    """Everything below a room, the room itself left out."""
    found: set[str] = set()
    waiting = list(imported[name])
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += imported[current]
    return found


def _listed(names: list[str]) -> str:
    rows = [", ".join(names[start : start + 4]) for start in range(0, len(names), 4)]
    return ",<br>".join(rows)


if __name__ == "__main__":
    DOCUMENT.write_text(with_diagram(DOCUMENT.read_text(encoding="utf-8"), diagram(rooms())), encoding="utf-8")
