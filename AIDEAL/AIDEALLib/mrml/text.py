"""Visible text through Slicer's translation, and unchanged where there is none."""

from __future__ import annotations

_CONTEXT = "AIDEAL"


def tr(text: str) -> str:
    """The text in the user's language."""
    try:
        from slicer.i18n import translate
    except ImportError:
        return text
    return str(translate(_CONTEXT, text))
