"""The documents of the project: their links, headings and commands."""

from __future__ import annotations

import re
from pathlib import Path

from paths import ROOT

DOCUMENTS = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
_COMMAND = re.compile(r"^(?:\.venv[\\/](?:bin|Scripts)[\\/])?(aideal\s.+)$", re.MULTILINE)
_INLINE = re.compile(r"`(aideal\s[^`]+)`")


def name(document: Path) -> str:
    """Path of a document inside the repository."""
    return document.relative_to(ROOT).as_posix()


def links(document: Path) -> list[str]:
    """Targets of a document's links and pictures, those to other hosts left out."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    targets = [first or second for first, second in _LINK.findall(text)]
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(document: Path) -> set[str]:
    """Anchors that a code host gives the headings of a document."""
    text = _FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+\s+(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def commands(document: Path) -> list[str]:
    """Calls of `aideal` that a document shows, in blocks and inside sentences, without comments."""
    text = document.read_text(encoding="utf-8")
    outside = _FENCE.sub("", text)
    indented = [line.strip() for line in re.findall(r"^ {4,}\S.*$", outside, re.MULTILINE)]
    blocks = "\n".join([*_FENCE.findall(text), *indented])
    inline = [" ".join(found.split()) for found in _INLINE.findall(outside)]
    return [call.partition(" #")[0].strip() for call in _COMMAND.findall(blocks)] + inline
