"""Report as one HTML page with embedded pictures and as Markdown; tables as CSV."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .files import written_whole
from .pictures import Picture
from .tables import Table, save_rows

NOTE = "Research use only, not for diagnosis."

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1120px; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.7em; } h2 { margin-top: 2.2em; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; font-size: 13px; margin: .5em 0 1.5em; display: block; overflow-x: auto; }
th, td { padding: 2px 9px; text-align: right; border-bottom: 1px solid #eee; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } th { border-bottom: 1px solid #888; }
figure { margin: 1em 0; } img { max-width: 100%; } figcaption, .caption { color: #555; font-size: 14px; margin: .3em 0; }
"""


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
    listed = "".join(f'<li><a href="#{c.key}">{html.escape(c.title)}</a></li>' for c in chapters)
    body = "".join(
        f'<h2 id="{c.key}">{html.escape(c.title)}</h2>' + "".join(_html_part(part, c.key) for part in c.parts) for c in chapters
    )
    paragraphs = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in head)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>AIDEAL: validation</title>'
        f"<style>{STYLE}</style></head><body><h1>AIDEAL: validation</h1>{paragraphs}<p><b>{NOTE}</b></p><ol>{listed}</ol>{body}"
        "</body></html>\n"
    )


def _html_part(part: str | Table | Picture, key: str) -> str:
    if isinstance(part, str):
        return f"<p>{html.escape(part)}</p>"
    if isinstance(part, Picture):
        encoded = base64.b64encode(part.png).decode()
        caption = html.escape(part.caption)
        return f'<figure><img alt="{caption}" src="data:image/png;base64,{encoded}"><figcaption>{caption}</figcaption></figure>'
    if not part.titles:
        return f"<p>{html.escape(part.caption)}: {key}/{part.name}.csv</p>"
    titles = "".join(f"<th>{html.escape(title)}</th>" for title in part.titles)
    lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in part.lines)
    source = f" ({key}/{part.name}.csv)" if part.name and part.rows else ""
    caption = html.escape(part.caption + source)
    return f'<p class="caption">{caption}</p><table><thead><tr>{titles}</tr></thead><tbody>{lines}</tbody></table>'


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
