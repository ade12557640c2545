"""Documents: short first screen, links that lead somewhere, commands that exist, one version."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from documents import DOCUMENTS, anchors, commands, links, name
from paths import MODULE, PACKAGE, ROOT, TESTING

from AIDEALLib import __version__
from AIDEALLib.cli.main import app

LONGEST_README = 120
PANEL = MODULE / "Resources" / "UI" / "AIDEAL.ui"
DOCUMENTED = pytest.mark.parametrize("document", DOCUMENTS, ids=name)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@DOCUMENTED
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken, f"{name(document)} has broken links: {broken}"


def test_every_document_is_reached_from_the_contents() -> None:
    contents = ROOT / "docs" / "index.md"
    reached = {(contents.parent / link.partition("#")[0]).resolve() for link in links(contents)}
    missing = [name(document) for document in contents.parent.rglob("*.md") if document not in {*reached, contents}]
    assert not missing, f"add to docs/index.md: {missing}"


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a call names, and the words after its name."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command '{words[0]}'"
        command, words = command.commands[words[0]], words[1:]
    return command, words


def check(call: str) -> None:
    """Raise where a call names a command or an option that does not exist."""
    command, words = command_of(shlex.split(call)[1:])
    options = {"--help", *(flag for parameter in command.params for flag in parameter.opts)}
    unknown = [word for word in words if word.startswith("-") and word not in options]
    assert not unknown, f"'{call}': there is no option {', '.join(unknown)}"


@DOCUMENTED
def test_commands_exist(document: Path) -> None:
    for call in commands(document):
        check(call)


@pytest.mark.parametrize("call", ["aideal runs", "aideal run --no-such-option", "aideal train nothing"])
def test_a_command_that_does_not_exist_is_noticed(call: str) -> None:
    with pytest.raises(AssertionError):
        check(call)


def test_commands_are_found() -> None:
    assert len(commands(ROOT / "docs" / "command-line.md")) > 10


def test_options_of_run_are_documented() -> None:
    command, _ = command_of(["run"])
    options = {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")} - {"--debug"}
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(--[a-z0-9-]+)`", page, re.MULTILINE))
    assert rows == options, f"the table of docs/command-line.md differs from aideal run --help: {rows ^ options}"


def test_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_article_to_cite_is_the_same_everywhere() -> None:
    article = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["preferred-citation"]
    for document in ("README.md", "docs/method.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert article["doi"] in text and str(article["year"]) in text


@pytest.mark.parametrize("document", [ROOT / "ARCHITECTURE.md", ROOT / "docs" / "method.md"], ids=name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"`([\w./]+(?:\.py|\.ui|\.txt|/))`", document.read_text(encoding="utf-8")))
    places = (ROOT, MODULE, PACKAGE, TESTING)
    folders = {path.name for path in PACKAGE.rglob("*") if path.is_dir()}
    missing = [path for path in named if not any((place / path).exists() for place in places) and path[:-1] not in folders]
    assert named and not missing, f"{name(document)} names {missing}"


def test_tutorial_names_what_the_panel_shows() -> None:
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    shown = {text.rstrip(":") for text in re.findall(r"<string>([^<]*)</string>", PANEL.read_text(encoding="utf-8"))}
    named = set(re.findall(r"\*\*([^*]+)\*\*", tutorial))
    in_code = "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "mrml" / "panels").glob("*.py"))
    missing = {text for text in named - shown if f'"{text}"' not in in_code}
    assert named and not missing, f"docs/tutorial.md names {missing}, the panel shows no such text"
