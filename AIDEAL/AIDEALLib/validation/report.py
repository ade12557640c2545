"""Report as one HTML page with embedded pictures and as Markdown; tables as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..report.templating import encoded, render
from .files import written_whole
from .pictures import Picture
from .tables import Table, save_rows

NOTE = "Research use only, not for diagnosis."


@dataclass(frozen=True)
class Chapter:
    """A section of the report.

    Attributes
    ----------
    key : str
        Key of the section, and name of its folder.
    title : str
        Title.
    parts : tuple of str, Table or Picture
        Paragraphs, tables and pictures in their order.
    """

    key: str
    title: str
    parts: tuple[str | Table | Picture, ...]


def write_chapter(chapter: Chapter, folder: Path) -> None:
    """Write the CSV files and pictures of a chapter into `folder`/key."""
    target = folder / chapter.key
    for part in chapter.parts:
        if isinstance(part, Table) and part.name and part.rows:
            with written_whole(target / f"{part.name}.csv") as partial:
                save_rows(part.rows, partial)
        elif isinstance(part, Picture):
            with written_whole(target / f"{part.name}.png") as partial:
                partial.write_bytes(part.png)


def write_report(chapters: Sequence[Chapter], head: Sequence[str], folder: Path) -> None:
    """Write `report.html` and `report.md`.

    Parameters
    ----------
    chapters : sequence of Chapter
        Finished sections.
    head : sequence of str
        Paragraphs on the command, the version and the networks.
    folder : Path
        Folder of the report.
    """
    for name, text in (("report.html", _html(chapters, head)), ("report.md", _markdown(chapters, head))):
        with written_whole(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")


def _html(chapters: Sequence[Chapter], head: Sequence[str]) -> str:
    described = [{"key": c.key, "title": c.title, "parts": [_described(part, c.key) for part in c.parts]} for c in chapters]
    return render("validation.html.j2", head=head, note=NOTE, chapters=described)


def _described(part: str | Table | Picture, key: str) -> dict[str, Any]:
    """Paragraph, picture or table for the template."""
    if isinstance(part, str):
        return {"kind": "text", "text": part}
    if isinstance(part, Picture):
        return {"kind": "picture", "text": part.caption, "data": encoded(part.png)}
    if not part.titles:
        return {"kind": "text", "text": f"{part.caption}: {key}/{part.name}.csv"}
    source = f" ({key}/{part.name}.csv)" if part.name and part.rows else ""
    return {"kind": "table", "text": part.caption + source, "titles": part.titles, "lines": part.lines}


def _markdown(chapters: Sequence[Chapter], head: Sequence[str]) -> str:
    blocks = ["# AIDEAL: validation", *head, f"**{NOTE}**"]
    for chapter in chapters:
        blocks.append(f"## {chapter.title}")
        blocks += [_markdown_part(part, chapter.key) for part in chapter.parts]
    return "\n\n".join(blocks) + "\n"


def _markdown_part(part: str | Table | Picture, key: str) -> str:
    if isinstance(part, str):
        return _plain(part)
    if isinstance(part, Picture):
        return f"![{part.caption}]({key}/{part.name}.png)"
    if not part.titles:
        return f"{_plain(part.caption)}: `{key}/{part.name}.csv`"
    rows = [part.titles, ["---"] + ["---:"] * (len(part.titles) - 1), *part.lines]
    lines = ["| " + " | ".join(_plain(cell) for cell in row) + " |" for row in rows]
    source = f" (`{key}/{part.name}.csv`)" if part.name and part.rows else ""
    return f"{_plain(part.caption)}{source}\n\n" + "\n".join(lines)


def _plain(text: str) -> str:
    return text.replace("*", "\\*").replace("|", "\\|")
