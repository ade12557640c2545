"""Whether a series is described as made with a contrast agent."""

from __future__ import annotations

import re

_AFTER = re.compile(
    r"hepato.?biliary|hepatobili|\bHBP\b|(post|nach|apres|with|\+)[-_ ]*(contrast|c\b|gd|gado|kontrast|km\b|injection)|gado|"
    r"primovist|eovist|multihance|dotarem|\bmit[-_ ]?km\b",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"\b(pre|before|native|nativ|vor|avant)\b|(?<![a-z])pre[-_]|"
    r"\b(without|w/?o|ohne|sans)[-_ ]*(contrast|c\b|gd|gado|kontrast|km\b|injection|primovist|eovist|multihance|dotarem)",
    re.IGNORECASE,
)
"""Words of a series that was made with a contrast agent, and of one that was not, though they name it."""


def described_with_contrast(*descriptions: str) -> bool:
    """Whether a series is described as made with a contrast agent.

    Parameters
    ----------
    *descriptions : str
        Names and descriptions of the series.

    Returns
    -------
    bool
    """
    words = " ".join(descriptions)
    return bool(_AFTER.search(words) and not _BEFORE.search(words))
