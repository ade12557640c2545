"""Which pulse sequence a header states, where it is one that the steady state of a spoiled gradient echo does not describe."""

from __future__ import annotations

from collections.abc import Callable

BALANCED_NAMES = ("tfi", "fiesta", "bssfp", "trufi", "btfe", "bffe")


def other_sequence(stated: Callable[[str], str]) -> str:
    """Name a sequence that is no spoiled gradient echo.

    Parameters
    ----------
    stated : callable
        Text that the header gives for a DICOM keyword, '' for none.

    Returns
    -------
    str
        Its kind in words, '' where the header does not state another kind.
    """
    kinds = {word.strip(" '[]").upper() for word in stated("ScanningSequence").replace("\\", ",").split(",")}
    pulse = stated("EchoPulseSequence").upper()
    if ("SE" in kinds and "GR" not in kinds) or pulse == "SPIN":
        return "a spin echo"
    if "IR" in kinds or stated("InversionRecovery").upper() == "YES" or _positive(stated("InversionTime")):
        return "an inversion recovery"
    name = stated("SequenceName").lower().lstrip("*")
    if "BALANCED" in stated("SteadyStatePulseSequence").upper() or name.startswith(BALANCED_NAMES):
        return "a balanced steady state"
    return ""


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
