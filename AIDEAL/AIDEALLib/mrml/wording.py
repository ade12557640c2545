"""Options of a run in the words of the panel."""

from __future__ import annotations

from enum import Enum

from ..advice import Setting
from ..choices import Choice
from ..errors import AidealError
from ..options import option_fields, option_type

_UNITS = {"te_s": " (ms)"}
"""Units that the panel shows with a label."""


def panel_words(setting: Setting) -> str:
    """Name a setting as the panel shows it, such as 'First echo: Mixed fit'."""
    label = option_fields()[setting.option].metadata["label"] + _UNITS.get(setting.option, "")
    return f"'{label}: {_value_label(setting)}'" if setting.value else f"'{label}'"


def worded(error: Exception) -> str:
    """Message of an error, with options named as the panel shows them."""
    return error.worded(panel_words) if isinstance(error, AidealError) else str(error)


def _value_label(setting: Setting) -> str:
    kind = option_type(setting.option)
    if isinstance(kind, type) and issubclass(kind, Enum):
        member = kind(setting.value)
        return member.label() if isinstance(member, Choice) else setting.value
    return setting.value
