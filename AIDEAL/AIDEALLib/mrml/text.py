"""Translation of visible text through Slicer, where it has one."""

from __future__ import annotations

_CONTEXT = "AIDEAL"


def tr(text: str) -> str:
    """The text in the user's language."""
    try:
        from slicer.i18n import translate
    except ImportError:
        return text
    return str(translate(_CONTEXT, text))
