"""The diagram of ARCHITECTURE.md is that of the imports."""

from __future__ import annotations

import pytest
from draw_architecture import DOCUMENT, diagram, with_diagram
from imports import rooms


def test_diagram_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == with_diagram(text, diagram(rooms())), "run: python Testing/tools/draw_architecture.py"


def test_arrows_that_follow_from_others_are_left_out() -> None:
    drawn = diagram({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert "a --> b" in drawn and "b --> c" in drawn and "a --> c" not in drawn


def test_files_that_import_nothing_else_are_one_box() -> None:
    drawn = diagram({"errors": set(), "echoes": {"errors"}, "io": {"echoes"}, "models": {"io"}})
    assert 'shared["echoes, errors"]' in drawn and "models --> io" in drawn and "io --> " not in drawn


def test_document_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="lacks the lines"):
        with_diagram("# Architecture\n", diagram({"errors": set()}))
